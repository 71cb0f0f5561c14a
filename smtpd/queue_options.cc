// SPDX-License-Identifier: BSD-2-Clause
// The command line of `smtpd --queue`.
#include <getopt.h>
#include <signal.h>

#include <cstdio>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/service/notify.h"
#include "smtpd/queue_service.h"

namespace posada::smtpd {

namespace {

constexpr int exit_usage = 64;
constexpr int exit_system = 71;
constexpr int exit_config = 78;

constexpr option command_options[] = {
    {"queue", no_argument, nullptr, 'q'},          {"config", required_argument, nullptr, 'c'},
    {"ready-fd", required_argument, nullptr, 'r'}, {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'v'},        {},
};

constexpr const char* help = "usage: smtpd --queue [options]\n"
                             "  --config FILE\n        read FILE instead of /etc/posada/posada.toml\n"
                             "  --ready-fd N\n        write a newline to descriptor N once the queue serves\n"
                             "  --help\n        print this help\n"
                             "  --version\n        print the version\n";

// The exit status to leave with, or -1 to go on.
int apply_option(QueueServiceOptions& options, int letter, const char* value) {
    switch (letter) {
    case 'q': return -1;
    case 'c':
        options.config.file = value;
        options.config.must_exist = true;
        return -1;
    case 'r': {
        const auto fd = parse_uint(value);
        if (!fd || *fd > 1024) {
            std::fprintf(stderr, "smtpd: --ready-fd wants a descriptor number, not '%s'\n", value);
            return exit_usage;
        }
        options.ready_fd = static_cast<int>(*fd);
        return -1;
    }
    case 'h': std::fputs(help, stdout); return 0;
    case 'v': std::printf("posada %s\n", POSADA_VERSION); return 0;
    default: return exit_usage;
    }
}

int report(const Error& error) {
    service::notify_manager(service::status_text("cannot start: ", error));
    if (error.code == Errc::invalid) {
        std::fprintf(stderr, "smtpd: %s\n", error.describe().c_str());
        return exit_config;
    }
    log(event::start_failed, {{"service", "smtpd --queue"}, {"error", error.describe()}});
    return exit_system;
}

} // namespace

int queue_service_main(int argc, char** argv) {
    QueueServiceOptions options;
    ::optind = 1;
    for (;;) {
        const int letter = ::getopt_long(argc, argv, "", command_options, nullptr);
        if (letter == -1) break;
        if (const int code = apply_option(options, letter, ::optarg); code >= 0) return code;
    }
    if (::optind != argc) {
        std::fprintf(stderr, "smtpd: unexpected argument '%s'; see smtpd --queue --help\n", argv[::optind]);
        return exit_usage;
    }
    ::signal(SIGPIPE, SIG_IGN);
    auto loop = io::Loop::create();
    if (!loop) return report(loop.error());
    QueueService service(**loop, std::move(options));
    if (const Status started = service.start(); !started) return report(started.error());
    service.run();
    return service.exit_code();
}

} // namespace posada::smtpd
