// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/smtpd-queue: the only process that writes the spool. Own uid, files of the spool only, no network.
#include <fcntl.h>

#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "smtpd/helper.h"
#include "smtpd/queue_server.h"

namespace posada::smtpd {
namespace {

int fail(int code, const Error& error) {
    log(event::start_failed, {{"service", "smtpd-queue"}, {"error", error.describe()}});
    return code;
}

Result<std::unique_ptr<Spool>> confine_and_open(HelperStart& start, const Clock& clock) {
    const UniqueFd tree(::open(start.hello.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!tree.valid()) return errno_error(start.hello.directory);
    const priv::LandlockRule rule{tree.get(), priv::LandlockAccess::read_write};
    RETURN_IF_ERROR(start.sandbox.apply({&rule, 1}));
    return Spool::open(start.hello.directory, clock);
}

QueueConfig config_of(const HelperStart& start) {
    QueueConfig config;
    config.hostname = start.hello.hostname;
    config.domains = start.mail.domains;
    if (config.domains.empty()) config.domains = {start.hello.hostname};
    config.routes = start.options.routes;
    config.options = start.options.queue;
    config.max_message_size = start.options.max_message_size;
    config.memory = start.options.spool_memory;
    return config;
}

int run() {
    auto start = receive_helper_start(priv::SandboxProfile::queue);
    if (!start) return fail(exit_config, start.error());
    auto loop = io::Loop::create();
    if (!loop) return fail(exit_system, loop.error());
    auto spool = confine_and_open(*start, (*loop)->clock());
    if (!spool) return fail(exit_system, spool.error());
    const SpoolCounts found = (*spool)->found();
    log(event::queue_recovered, {{"messages", std::to_string(found.messages)},
                                 {"waiting", std::to_string(found.waiting)},
                                 {"orphans-removed", std::to_string(found.orphans)}});
    Queue queue(config_of(*start), std::move(*spool), (*loop)->clock());
    int code = 0;
    QueueServer server(**loop, queue, std::move(start->socket), start->hello.owner, start->options.queue.batch,
                       [&](const Error&) {
                           code = exit_system;
                           (*loop)->stop();
                       });
    const io::Watch control(**loop, start->channel.fd(), io::Interest::read, [&](io::Interest) {
        server.stop(); // stop, or smtpd is gone
        (*loop)->stop();
    });
    const Status ready = start->channel.send(static_cast<std::uint16_t>(HelperMessage::ready), 0, {});
    if (!ready) return fail(exit_system, ready.error());
    (*loop)->run();
    return code;
}

} // namespace
} // namespace posada::smtpd

int main(int, char** argv) { return posada::smtpd::helper_main(argv, posada::smtpd::run); }
