// SPDX-License-Identifier: BSD-2-Clause
#include "supervisor/services.h"

#include <algorithm>

#include "ftpd/options.h"
#include "pop3d/options.h"
#include "smtpd/options.h"

namespace posada::supervisor {

namespace {

using service::Listener;

// clang-format off
constexpr ServiceRow rows[] = {
    {"queue",      "smtpd", "--queue",      &smtpd::SmtpdOptions::section, nullptr,                                        true},
    {"smtpd",      "smtpd", "",             &smtpd::SmtpdOptions::section, [](const Listener& at) { return !at.auth; },    false},
    {"submission", "smtpd", "--submission", &smtpd::SmtpdOptions::section, [](const Listener& at) { return at.auth; },     false},
    {"pop3d",      "pop3d", "",             &pop3d::Pop3Options::section,  [](const Listener&) { return true; },           false},
    {"ftpd",       "ftpd",  "",             &ftpd::FtpOptions::section,    [](const Listener&) { return true; },           false},
};
// clang-format on

Status plan_sockets(const ServiceRow& row, const service::Settings& settings, std::vector<PlannedSocket>& out) {
    for (const Listener& listener : settings.listeners()) {
        if (row.serves == nullptr || !row.serves(listener)) continue;
        for (const std::string& address : listener.addresses) {
            const auto all = io::bind_addresses(address, listener.port);
            if (!all) return all.error();
            for (const io::Address& at : *all)
                out.push_back({listener.fd_name.empty() ? listener.name : listener.fd_name, at});
        }
    }
    return {};
}

std::string problems_of(const service::LoadedConfig& loaded, std::string_view section) {
    std::vector<service::ConfigError> own;
    for (const service::ConfigError& error : loaded.errors)
        if (error.section == section) own.push_back(error);
    return own.empty() ? std::string() : service::errors_text(own);
}

ServicePlan plan_service(const ServiceRow& row, const service::LoadedConfig& loaded) {
    ServicePlan plan;
    plan.row = &row;
    plan.problem = problems_of(loaded, row.section().name);
    for (const service::Settings& settings : loaded.settings) {
        if (&settings.section() != &row.section()) continue;
        plan.wanted = settings.service().enabled;
        if (const Status planned = plan_sockets(row, settings, plan.sockets); !planned && plan.problem.empty())
            plan.problem = planned.error().describe();
    }
    // A daemon whose listeners are all somebody else's has nothing to do.
    if (row.serves != nullptr && plan.sockets.empty() && plan.problem.empty()) plan.wanted = false;
    return plan;
}

} // namespace

std::span<const ServiceRow> service_rows() { return rows; }

std::vector<const service::SectionInfo*> service_sections() {
    std::vector<const service::SectionInfo*> sections;
    for (const ServiceRow& row : rows)
        if (std::find(sections.begin(), sections.end(), &row.section()) == sections.end())
            sections.push_back(&row.section());
    return sections;
}

Result<SuitePlan> plan_suite(const service::ConfigSource& source) {
    const auto sections = service_sections();
    const service::LoadedConfig loaded = service::load_config(source, sections);
    if (const std::string common = problems_of(loaded, ""); !common.empty()) return Error{Errc::invalid, 0, common};
    if (loaded.settings.empty()) return Error{Errc::invalid, 0, "no settings could be read"};
    SuitePlan plan;
    plan.run_dir = loaded.settings.front().common().paths.run_dir;
    plan.log = loaded.settings.front().common().log;
    if (!loaded.errors.empty()) plan.warnings = service::errors_text(loaded.errors);
    for (const ServiceRow& row : rows) {
        plan.services.push_back(plan_service(row, loaded));
        const std::string& problem = plan.services.back().problem;
        if (loaded.errors.empty() && !problem.empty()) plan.warnings += problem + "\n";
    }
    return plan;
}

} // namespace posada::supervisor
