// SPDX-License-Identifier: BSD-2-Clause
// `posada check`: everything that can be found out without starting anything. Exit 0, or 78 when a daemon would not
// start or would not work.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "common/base/text.h"
#include "ctl/check_findings.h"
#include "ctl/command.h"
#include "ctl/sections.h"

namespace posada::ctl {

namespace {

struct Arguments {
    service::ConfigSource source;
    bool json = false;
};

Result<Arguments> parse_arguments(std::span<const std::string_view> args) {
    Arguments out;
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (args[i] == "--json") {
            out.json = true;
        } else if (args[i] == "--config" && i + 1 < args.size()) {
            out.source.file = std::string(args[++i]);
            out.source.must_exist = true;
        } else {
            return Error{Errc::invalid, 0, "unexpected argument '" + escape_for_log(args[i]) + "'"};
        }
    }
    return out;
}

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.append("\\").push_back(c);
        } else if (byte < 32 || byte == 127) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out + "\"";
}

void print_json(const std::vector<service::ConfigError>& errors, const std::vector<Finding>& findings) {
    std::string out = "{\"problems\": [";
    const char* comma = "";
    for (const service::ConfigError& error : errors) {
        out += fmt::format("{}{{\"level\": \"error\", \"file\": {}, \"line\": {}, \"column\": {}, \"section\": {}, "
                           "\"text\": {}}}",
                           comma, json_text(error.at.file), error.at.line, error.at.column, json_text(error.section),
                           json_text(error.message));
        comma = ", ";
    }
    for (const Finding& finding : findings) {
        out += fmt::format("{}{{\"level\": \"{}\", \"where\": {}, \"text\": {}}}", comma,
                           finding.error ? "error" : "warning", json_text(finding.where), json_text(finding.text));
        comma = ", ";
    }
    std::printf("%s]}\n", out.c_str());
}

std::string plural(std::size_t count, std::string_view word) {
    return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

void print_text(const service::LoadedConfig& loaded, const std::vector<Finding>& findings, std::size_t errors) {
    std::fputs(service::errors_text(loaded.errors).c_str(), stdout);
    for (const Finding& finding : findings)
        std::printf("%s: %s%s\n", finding.where.c_str(), finding.error ? "" : "warning: ", finding.text.c_str());
    const std::size_t all = loaded.errors.size() + findings.size();
    std::printf("%s read; %s, %s\n", plural(loaded.files.size(), "file").c_str(), plural(errors, "error").c_str(),
                plural(all - errors, "warning").c_str());
}

} // namespace

int check_command(std::span<const std::string_view> args) {
    const auto arguments = parse_arguments(args);
    if (!arguments) {
        std::fprintf(stderr, "posada check: %s\nusage: posada check [--json] [--config FILE]\n",
                     arguments.error().text.c_str());
        return exit_usage;
    }
    const service::LoadedConfig loaded = service::load_config(arguments->source, all_sections());
    const bool common_is_wrong = std::any_of(loaded.errors.begin(), loaded.errors.end(),
                                             [](const auto& error) { return error.section.empty(); });
    std::vector<Finding> findings;
    if (!common_is_wrong) // else paths and certificates may not be what was meant
        findings = find_problems(loaded.settings, SystemClock().unix_now(), ::geteuid() == 0 ? "/etc/pam.d" : "");
    std::size_t errors = loaded.errors.size();
    for (const Finding& finding : findings) errors += finding.error ? 1 : 0;
    if (arguments->json) {
        print_json(loaded.errors, findings);
    } else {
        print_text(loaded, findings, errors);
    }
    return errors == 0 ? 0 : exit_config;
}

} // namespace posada::ctl
