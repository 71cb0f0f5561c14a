// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/helper.h"

#include <signal.h>

#include <cstdio>

#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/service/child_descriptors.h"
#include "common/service/log_transport.h"

namespace posada::smtpd {

namespace {

constexpr unsigned hello_fds = 2;

} // namespace

Result<HelperStart> receive_helper_start(priv::SandboxProfile profile) {
    HelperStart start;
    start.channel = priv::Channel(UniqueFd(service::child_channel_fd));
    auto received = start.channel.receive(hello_fds);
    if (!received) return received.error();
    if (!received->has_value()) return Error{Errc::closed, 0, "smtpd went away"};
    priv::Message& message = **received;
    if (message.type != static_cast<std::uint16_t>(HelperMessage::hello) || message.fds.size() != hello_fds)
        return Error{Errc::protocol, 0, "no hello from smtpd"};
    auto hello = from_bytes<HelperHello>(message.payload);
    if (!hello || hello->version != POSADA_VERSION)
        return Error{Errc::unavailable, 0,
                     "smtpd and its queue programs are of different versions (upgrade under way?)"};
    start.hello = std::move(*hello);
    auto dump = service::read_memfd(message.fds[0]);
    if (!dump) return dump.error();
    auto options = service::decode_net_options(*dump, SmtpdOptions::section(), &start.options);
    if (!options) return options.error();
    start.mail = std::move(options->mail);
    start.socket = std::move(message.fds[1]);
    RETURN_IF_ERROR(set_nonblocking(start.channel.fd(), true));
    auto sandbox = priv::prepare_sandbox(profile, start.hello.sandbox, service::child_log_fd);
    if (!sandbox) return sandbox.error();
    start.sandbox = std::move(*sandbox);
    return start;
}

int helper_main(char** argv, int (*run)()) {
    if (!service::has_child_descriptors()) {
        std::fprintf(stderr, "%s is started by `smtpd --queue`, never by hand.\n", argv[0]);
        return exit_usage;
    }
    ::signal(SIGPIPE, SIG_IGN);
    service::RecordSink sink(service::child_log_fd);
    set_log_sink(&sink);
    const int code = run();
    set_log_sink(nullptr);
    return code;
}

} // namespace posada::smtpd
