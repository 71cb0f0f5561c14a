// SPDX-License-Identifier: BSD-2-Clause
// What posadad can start: one row per service. A row plus the configuration makes a plan: program, arguments, sockets.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/addr.h"
#include "common/service/config/config.h"

namespace posada::supervisor {

struct ServiceRow {
    std::string_view name;
    std::string_view program;  // in sbin, beside posadad
    std::string_view argument; // "" = none
    const service::SectionInfo& (*section)();
    bool (*serves)(const service::Listener& listener); // nullptr = it has no listeners
    bool stops_last;                                   // others hand their work to it until they end
};

std::span<const ServiceRow> service_rows();
std::vector<const service::SectionInfo*> service_sections(); // each once

struct PlannedSocket {
    std::string name; // of LISTEN_FDNAMES
    io::Address at;
    bool operator==(const PlannedSocket& other) const { return name == other.name && at.text() == other.at.text(); }
};

// What one service should be according to the configuration.
struct ServicePlan {
    const ServiceRow* row = nullptr;
    bool wanted = false;
    std::string problem; // the errors of its section; such a service is not started
    std::vector<PlannedSocket> sockets;
};

struct SuitePlan {
    std::string run_dir;
    service::LogOptions log;
    std::vector<ServicePlan> services; // in the order of service_rows()
    std::string warnings;              // the text of all errors, to be logged
};

// An Error (Errc::invalid) if the common part of the configuration is wrong: then no service may run with it.
Result<SuitePlan> plan_suite(const service::ConfigSource& source);

} // namespace posada::supervisor
