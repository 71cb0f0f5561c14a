// SPDX-License-Identifier: BSD-2-Clause
// endpoints.json: what a program needs to know to talk to a running demo. The keys are a contract; see posada(8).
#include <nlohmann/json.hpp>

#include "ctl/demo.h"

namespace posada::ctl {

std::string endpoints_json(const Demo& demo) {
    using nlohmann::ordered_json;
    ordered_json services = ordered_json::object();
    for (const DemoService& service : demo.services)
        services[std::string(service.name)] = {
            {"host", std::string(demo_host)}, {"port", service.port}, {"tls", std::string(tls_word(service.tls))}};
    ordered_json users = ordered_json::array();
    for (const DemoUser& user : demo.users) users.push_back({{"name", user.name}, {"password", user.password}});
    const ordered_json all = {{"services", services},
                              {"users", users},
                              {"domain", std::string(demo_domain)},
                              {"ca_file", demo.path("tls/ca.pem")},
                              {"control_socket", demo.run_dir() + "/control.sock"},
                              {"log_file", demo.path("log")},
                              {"maildir_root", demo.mail_root()},
                              {"ftp_root", demo.ftp_root()}};
    return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

} // namespace posada::ctl
