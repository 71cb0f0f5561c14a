// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/smtpd-relay: the SMTP client. Own uid, no files; it connects to the configured servers, and to nothing
// else that the kernel lets it choose.
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "smtpd/helper.h"
#include "smtpd/relay.h"

namespace posada::smtpd {
namespace {

int fail(int code, const Error& error) {
    log(event::start_failed, {{"service", "smtpd-relay"}, {"error", error.describe()}});
    return code;
}

// Certificates of authorities are files: read before the sandbox is up.
Result<RelayConfig> config_of(const HelperStart& start) {
    RelayConfig config;
    config.hostname = start.hello.hostname;
    config.routes = start.options.routes;
    config.concurrency = start.options.queue.delivery_concurrency;
    auto any = io::TlsContext::make_client({}, false);
    if (!any) return any.error();
    config.any_certificate = std::move(*any);
    auto verified = io::TlsContext::make_client({}, true);
    if (!verified) return verified.error();
    config.verified = std::move(*verified);
    return config;
}

int serve(HelperStart& start, io::Loop& loop, RelayConfig config) {
    Relay relay(loop, std::move(config));
    relay.connect(std::move(start.socket));
    const io::Watch control(loop, start.channel.fd(), io::Interest::read, [&](io::Interest) {
        auto received = start.channel.receive(1);
        if (!received && received.error().code == Errc::busy) return;
        if (!received || !received->has_value()) return loop.stop(); // smtpd is gone
        if ((*received)->type == static_cast<std::uint16_t>(HelperMessage::stop)) relay.stop([&] { loop.stop(); });
        if ((*received)->type == static_cast<std::uint16_t>(HelperMessage::adopt) && (*received)->fds.size() == 1)
            relay.connect(std::move((*received)->fds[0]));
    });
    const Status ready = start.channel.send(static_cast<std::uint16_t>(HelperMessage::ready), 0, {});
    if (!ready) return fail(exit_system, ready.error());
    loop.run();
    return 0;
}

int run() {
    auto start = receive_helper_start(priv::SandboxProfile::relay);
    if (!start) return fail(exit_config, start.error());
    auto config = config_of(*start);
    if (!config) return fail(exit_system, config.error());
    auto loop = io::Loop::create();
    if (!loop) return fail(exit_system, loop.error());
    io::tls_warm_up();
    if (const Status confined = start->sandbox.apply(); !confined) return fail(exit_system, confined.error());
    return serve(*start, **loop, std::move(*config));
}

} // namespace
} // namespace posada::smtpd

int main(int, char** argv) { return posada::smtpd::helper_main(argv, posada::smtpd::run); }
