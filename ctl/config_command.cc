// SPDX-License-Identifier: BSD-2-Clause
// `posada config`: the configuration in force.
#include <cstdio>
#include <string>

#include "common/base/text.h"
#include "common/service/config/config_print.h"
#include "ctl/command.h"
#include "ctl/sections.h"

namespace posada::ctl {

namespace {

struct Arguments {
    service::ConfigSource source;
    service::PrintOptions print;
    bool json = false;
};

Result<Arguments> parse_arguments(std::span<const std::string_view> args) {
    Arguments out;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const std::string_view arg = args[i];
        if (arg == "-n") {
            out.print.only_changed = true;
        } else if (arg == "--origin") {
            out.print.origin = true;
        } else if (arg == "--json") {
            out.json = true;
        } else if (arg == "--config" && i + 1 < args.size()) {
            out.source.file = std::string(args[++i]);
            out.source.must_exist = true;
        } else {
            return Error{Errc::invalid, 0, "unexpected argument '" + escape_for_log(arg) + "'"};
        }
    }
    return out;
}

} // namespace

int config_command(std::span<const std::string_view> args) {
    const auto arguments = parse_arguments(args);
    if (!arguments) {
        std::fprintf(stderr, "posada config: %s\nusage: posada config [-n] [--origin] [--json] [--config FILE]\n",
                     arguments.error().text.c_str());
        return exit_usage;
    }
    const service::LoadedConfig loaded = service::load_config(arguments->source, all_sections());
    if (!loaded.errors.empty()) {
        std::fputs(service::errors_text(loaded.errors).c_str(), stderr);
        return exit_config;
    }
    const std::string text = arguments->json ? service::config_as_json(loaded.settings, arguments->print)
                                             : service::config_as_toml(loaded.settings, arguments->print);
    std::fputs(text.c_str(), stdout);
    return std::fflush(stdout) == 0 ? 0 : exit_system;
}

} // namespace posada::ctl
