// SPDX-License-Identifier: BSD-2-Clause
#include <cstdio>

#include "common/base/text.h"
#include "common/service/launch/notify.h"
#include "ctl/command.h"
#include "ctl/control_client.h"
#include "ctl/demo.h"

namespace posada::ctl {

namespace {

Status apply(DemoOptions& options, std::string_view name, std::string_view value) {
    const auto number = parse_uint(value);
    if (name == "--dir") {
        if (value.empty()) return Error{Errc::invalid, 0, "--dir needs a directory"};
        options.dir = value;
    } else if (name == "--base-port") {
        if (!number || *number > 60'000) return Error{Errc::invalid, 0, "--base-port needs a number from 0 to 60000"};
        options.base_port = static_cast<std::uint16_t>(*number);
    } else if (name == "--ready-fd") {
        if (!number || *number > 1'000) return Error{Errc::invalid, 0, "--ready-fd needs the number of a descriptor"};
        options.ready_fd = static_cast<int>(*number);
    } else {
        return Error{Errc::invalid, 0, "unknown argument '" + escape_for_log(name) + "'"};
    }
    return {};
}

// "--dir X" and "--dir=X".
Result<DemoOptions> parse(std::span<const std::string_view> args) {
    DemoOptions options;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const std::size_t equals = args[i].find('=');
        const std::string_view name = args[i].substr(0, equals);
        if (name == "--keep" || name == "--classroom") {
            (name == "--keep" ? options.keep : options.classroom) = true;
            continue;
        }
        std::string_view value;
        if (equals != std::string_view::npos) {
            value = args[i].substr(equals + 1);
        } else if (i + 1 < args.size()) {
            value = args[++i];
        }
        RETURN_IF_ERROR(apply(options, name, value));
    }
    return options;
}

void print_log_end(const Demo& demo) {
    auto log = read_file(demo.path("log"), 64 << 20);
    if (!log || log->empty()) return;
    std::size_t from = log->size();
    for (int lines = 0; lines < 20 && from != 0 && from != std::string::npos; ++lines)
        from = log->rfind('\n', from - 1);
    std::fprintf(stderr, "The end of the log:\n%s\n", log->c_str() + (from == std::string::npos ? 0 : from));
}

// posadad never gives up, but a newcomer should not wait for a service that fails to start.
Status check_all_up(const Demo& demo) {
    const auto status = ask_control(demo.run_dir() + "/control.sock", "status");
    if (!status) return status.error();
    for (const char* bad : {R"("state":"backoff")", R"("state":"blocked")", R"("state":"failing")"})
        if (status->find(bad) != std::string::npos) return Error{Errc::unavailable, 0, "a service does not start"};
    return {};
}

Status bring_up(const Demo& demo, DemoProcess& process) {
    RETURN_IF_ERROR(process.wait_started());
    RETURN_IF_ERROR(check_all_up(demo));
    RETURN_IF_ERROR(check_services(demo));
    return announce_demo(demo);
}

int run(const Demo& demo) {
    auto process = DemoProcess::start(demo);
    if (!process) return std::fprintf(stderr, "posada demo: %s\n", process.error().describe().c_str()), exit_system;
    if (const Status up = bring_up(demo, *process); !up) {
        process->stop();
        std::fprintf(stderr, "posada demo: %s\n", up.error().describe().c_str());
        if (!asked_to_end()) print_log_end(demo);
        return exit_system;
    }
    std::fputs(demo_text(demo).c_str(), stdout);
    std::fflush(stdout);
    service::notify_manager("READY=1");
    service::notify_ready_fd(demo.options.ready_fd);
    const bool asked = process->wait_for_end();
    process->stop();
    if (asked) return 0;
    std::fputs("posada demo: posadad ended by itself\n", stderr);
    print_log_end(demo);
    return exit_system;
}

} // namespace

int demo_command(std::span<const std::string_view> args) {
    auto options = parse(args);
    if (!options) return std::fprintf(stderr, "posada demo: %s\n", options.error().text.c_str()), exit_usage;
    hold_signals();
    Demo demo;
    demo.options = std::move(*options);
    Status made = choose_ports(demo);
    if (made) made = make_demo_files(demo);
    int status = exit_system;
    if (made) {
        status = run(demo);
    } else {
        std::fprintf(stderr, "posada demo: %s\n", made.error().describe().c_str());
    }
    remove_demo_files(demo);
    return status;
}

} // namespace posada::ctl
