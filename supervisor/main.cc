// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "common/base/exit_code.h"
#include "common/base/text.h"
#include "supervisor/supervisor.h"

using namespace posada;

constexpr char usage[] =
    "usage: posadad [--config FILE] [--ready-fd N] [--stop-timeout SECONDS] [--version] [--help]\n";

// Returns the exit status to leave with, or -1 to go on.
static int apply_option(supervisor::SupervisorOptions& options, int letter) {
    const std::uint64_t number = parse_uint(::optarg == nullptr ? "" : ::optarg).value_or(9999);
    switch (letter) {
    case 'c':
        options.config.file = std::filesystem::absolute(::optarg).string();
        options.config.must_exist = true;
        return -1;
    case 'r': options.ready_fd = static_cast<int>(number); return number < 1024 ? -1 : exit_usage;
    case 't': options.stop_timeout = Seconds(number); return number < 3600 ? -1 : exit_usage;
    case 'v': std::printf("posada %s\n", POSADA_VERSION); return 0;
    case 'h': std::fputs(usage, stdout); return 0;
    default: std::fputs(usage, stderr); return exit_usage;
    }
}

static int fail(const Error& error) {
    std::fprintf(stderr, "posadad: %s\n", error.describe().c_str());
    return error.code == Errc::invalid ? exit_config : exit_system;
}

int main(int argc, char** argv) {
    const option specs[] = {{"config", 1, nullptr, 'c'},       {"ready-fd", 1, nullptr, 'r'},
                            {"stop-timeout", 1, nullptr, 't'}, {"version", 0, nullptr, 'v'},
                            {"help", 0, nullptr, 'h'},         {nullptr, 0, nullptr, 0}};
    supervisor::SupervisorOptions options;
    for (int letter = 0; (letter = ::getopt_long(argc, argv, "", specs, nullptr)) != -1;)
        if (const int code = apply_option(options, letter); code >= 0) return code;
    if (::optind != argc) return std::fputs(usage, stderr), exit_usage;
    std::error_code ignored;
    options.program_dir = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
    ::signal(SIGPIPE, SIG_IGN);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); // what we inherited is not for our services
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);         // what our services leave behind is ours to end
    auto loop = io::Loop::create();
    if (!loop) return fail(loop.error());
    supervisor::Supervisor supervisor(**loop, std::move(options));
    if (const Status started = supervisor.start(); !started) return fail(started.error());
    supervisor.run();
    return 0;
}
