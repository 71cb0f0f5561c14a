// SPDX-License-Identifier: BSD-2-Clause
// The JSON of the control socket. The only file of the supervisor that includes the JSON library: it is slow to
// compile, and its exceptions end here.
#include <nlohmann/json.hpp>

#include "supervisor/control.h"

namespace posada::supervisor {

namespace {

using nlohmann::json;

json encode_service(const ServiceReport& service) {
    json out{{"name", service.name},         {"state", service.state},         {"seconds", service.seconds},
             {"restarts", service.restarts}, {"last_exit", service.last_exit}, {"listen", service.listen}};
    out["pid"] = service.pid > 0 ? json(service.pid) : json();
    if (service.next_try_seconds >= 0) out["next_try_seconds"] = service.next_try_seconds;
    if (!service.problem.empty()) out["problem"] = service.problem;
    if (!service.says.empty()) out["says"] = service.says;
    return out;
}

// Never throws on text that is not UTF-8: such bytes are replaced.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

} // namespace

std::string parse_request(std::string_view line) {
    const json request = json::parse(line, nullptr, false);
    if (!request.is_object()) return {};
    const auto command = request.find("command");
    if (command == request.end() || !command->is_string()) return {};
    return command->get<std::string>();
}

std::string encode_report(const StatusReport& report) {
    json services = json::array();
    for (const ServiceReport& service : report.services) services.push_back(encode_service(service));
    return dump({{"ok", true},
                 {"version", POSADA_VERSION},
                 {"isolation", report.isolation},
                 {"pid", report.pid},
                 {"services", services}});
}

std::string encode_result(bool ok, std::string_view text) { return dump({{"ok", ok}, {"text", std::string(text)}}); }

} // namespace posada::supervisor
