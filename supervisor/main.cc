// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/base/text.h"
#include "supervisor/supervisor.h"

using namespace posada;

constexpr char usage[] =
    "usage: posadad [--config FILE] [--ready-fd N] [--stop-timeout SECONDS] [--version] [--help]\n";

// Returns the exit status to leave with, or -1 to go on.
static int apply_option(supervisor::SupervisorOptions& options, int letter) {
    const auto number = parse_uint(::optarg == nullptr ? "" : ::optarg);
    switch (letter) {
    case 'c':
        options.config.file = std::filesystem::absolute(::optarg).string();
        options.config.must_exist = true;
        return -1;
    case 'r': options.ready_fd = number ? static_cast<int>(*number) : -1; return number && *number < 1024 ? -1 : 64;
    case 't': options.stop_timeout = Seconds(number.value_or(0)); return number && *number < 3600 ? -1 : 64;
    case 'v': std::printf("posada %s\n", POSADA_VERSION); return 0;
    case 'h': std::fputs(usage, stdout); return 0;
    default: std::fputs(usage, stderr); return 64;
    }
}

static int fail(const Error& error) {
    std::fprintf(stderr, "posadad: %s\n", error.describe().c_str());
    return error.code == Errc::invalid ? 78 : 71;
}

int main(int argc, char** argv) {
    const option specs[] = {{"config", 1, nullptr, 'c'},       {"ready-fd", 1, nullptr, 'r'},
                            {"stop-timeout", 1, nullptr, 't'}, {"version", 0, nullptr, 'v'},
                            {"help", 0, nullptr, 'h'},         {nullptr, 0, nullptr, 0}};
    supervisor::SupervisorOptions options;
    for (int letter = 0; (letter = ::getopt_long(argc, argv, "", specs, nullptr)) != -1;)
        if (const int code = apply_option(options, letter); code >= 0) return code;
    if (::optind != argc) return std::fputs(usage, stderr), 64;
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
