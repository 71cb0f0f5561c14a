// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/control_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "common/service/config/config.h"
#include "ctl/sections.h"

namespace posada::ctl {

namespace {

constexpr std::size_t max_answer = 1 << 20;

Result<UniqueFd> connect_stream(const std::string& path, Millis patience) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return Error{Errc::invalid, 0, path + " is too long for a socket"};
    std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return errno_error("socket");
    const timeval limit{patience.count() / 1000, patience.count() % 1000 * 1000};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return fd;
    const Error why = errno_error("cannot reach posadad at " + path);
    if (why.code == Errc::denied)
        return Error{Errc::denied, 0, why.describe() + "; try as root or as a member of posada-adm"};
    return Error{Errc::unavailable, 0,
                 why.describe() + "; is posadad running? (systemctl start posada, or posada demo)"};
}

} // namespace

Result<ControlArguments> parse_control_arguments(std::span<const std::string_view> args) {
    ControlArguments out;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const bool takes_value = args[i] == "--config" || args[i] == "--control";
        if (takes_value && i + 1 == args.size())
            return Error{Errc::invalid, 0, std::string(args[i]) + " needs a value"};
        if (args[i] == "--json") {
            out.json = true;
        } else if (takes_value) {
            std::string& target = args[i] == "--config" ? out.config : out.socket;
            target = args[++i];
        } else {
            return Error{Errc::invalid, 0, "unknown argument '" + escape_for_log(args[i]) + "'"};
        }
    }
    return out;
}

Result<std::string> run_directory(const std::string& config) {
    service::ConfigSource source;
    if (!config.empty()) {
        source.file = config;
        source.must_exist = true;
    }
    // Errors elsewhere in the file do not matter for finding a socket, but a wrong [paths] does.
    const service::LoadedSettings loaded = load_common(source);
    if (!loaded.errors.empty()) return Error{Errc::invalid, 0, loaded.errors.front().text()};
    return loaded.settings.common().paths.run_dir;
}

Result<std::string> control_path(const ControlArguments& arguments) {
    if (!arguments.socket.empty()) return arguments.socket;
    const char* environment = std::getenv("POSADA_CONTROL");
    if (environment != nullptr && arguments.config.empty()) return std::string(environment);
    const auto run_dir = run_directory(arguments.config);
    if (!run_dir) return run_dir.error();
    return *run_dir + "/control.sock";
}

Result<std::string> ask_control(const std::string& path, std::string_view command, Millis patience) {
    auto fd = connect_stream(path, patience);
    if (!fd) return fd.error();
    RETURN_IF_ERROR(write_all(fd->get(), "{\"command\":\"" + std::string(command) + "\"}\n"));
    std::string answer;
    std::array<char, 4096> buffer{};
    while (answer.find('\n') == std::string::npos) {
        const ssize_t n = ::recv(fd->get(), buffer.data(), buffer.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return Error{Errc::timeout, errno, "posadad does not answer"};
        if (n == 0 || answer.size() > max_answer) return Error{Errc::protocol, 0, "posadad closed without an answer"};
        answer.append(buffer.data(), static_cast<std::size_t>(n));
    }
    answer.resize(answer.find('\n'));
    return answer;
}

} // namespace posada::ctl
