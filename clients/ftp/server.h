// SPDX-License-Identifier: BSD-2-Clause
// Server: one server that we are connected to: the control connection, and what is known of the other side.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "clients/ftp/control.h"

namespace posada::ftp {

struct Login {
    std::string user; // empty: asked for
    std::optional<std::string> password;
    std::string account;
};

struct Server {
    Server(std::string host_name, io::Address at, Control connection)
        : host(std::move(host_name)), peer(std::move(at)), control(std::move(connection)) {}

    std::string host; // as the user named it: the certificate has to be for it
    io::Address peer;
    Control control;
    std::shared_ptr<io::TlsContext> tls; // with TLS
    bool private_data = false;           // PROT P
    bool logged_in = false;
    Login login;                    // with what was asked for: another connection need not ask again
    char type = 'A';                // what the server has been told last
    bool epsv = true;               // until it refuses
    bool active = false;            // after passive connections did not work
    std::set<std::string> features; // first words of FEAT, in upper case
    [[nodiscard]] bool has(const std::string& feature) const { return features.count(feature) != 0; }

    Status set_type(char wanted, Show show = Show::as_set);
};

// Connects, with TLS as the settings want it; to this address of the host, or to the first that answers. The greeting
// has been read.
Result<Server> open_server(const std::string& host, const Settings& settings, const Screen& screen,
                           const std::optional<io::Address>& at = {});
// USER, PASS, ACCT; asks for what is not there. Then what a client wants to know of a server: SYST, FEAT, PROT.
Status log_in(Server& server, const Login& login, Settings& settings, Screen& screen);

} // namespace posada::ftp
