// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/echod/agent.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/priv/serve.h"

namespace posada::echod {

namespace {

Result<UniqueFd> open_file(const UniqueFd& home, const std::string& name) {
    if (name.empty() || name.find('/') != name.npos) return Error{Errc::invalid, 0, "not a name"};
    UniqueFd file(::openat(home.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return errno_error(name);
    return file;
}

struct Agent {
    UniqueFd home;

    Result<priv::Answered<FileSize>> on(const ReadFile& request) {
        auto file = open_file(home, request.name);
        if (!file) return file.error();
        struct stat st {};
        if (::fstat(file->get(), &st) != 0 || !S_ISREG(st.st_mode)) return Error{Errc::invalid, 0, "not a file"};
        priv::Answered<FileSize> out{{static_cast<std::uint64_t>(st.st_size)}};
        out.fds.push_back(std::move(*file));
        return out;
    }
};

} // namespace

int serve_files(const std::string& home, priv::Channel channel) {
    Agent agent{UniqueFd(::open(home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC))};
    return priv::agent_status(priv::serve_requests<AgentRequests>(channel, agent));
}

} // namespace posada::echod
