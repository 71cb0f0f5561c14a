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

priv::Answer read_file(const UniqueFd& home, const std::string& name) {
    auto file = open_file(home, name);
    if (!file) return {priv::encode_failure(file.error()), {}};
    struct stat st {};
    if (::fstat(file->get(), &st) != 0 || !S_ISREG(st.st_mode))
        return {priv::encode_failure({Errc::invalid, 0, "not a file"}), {}};
    priv::Answer answer{priv::encode_ok(std::to_string(st.st_size)), {}};
    answer.fds.push_back(std::move(*file));
    return answer;
}

} // namespace

int serve_files(const std::string& home, priv::Channel channel) {
    const UniqueFd root(::open(home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto handle = [&](priv::RequestGate&, const priv::Message& message) {
        return read_file(root, message.payload);
    };
    return priv::agent_status(priv::serve_requests(channel, agent_requests, handle));
}

} // namespace posada::echod
