// SPDX-License-Identifier: BSD-2-Clause
// Data connections: EPSV, then PASV, then EPRT or PORT, and what worked is kept. Of a passive address only the port is
// used: a server that names another host would have us connect to it (CVE-2020-8284). An active one is accepted from
// the server's address only.
#pragma once

#include "clients/ftp/server.h"

namespace posada::ftp {

// Sends the command behind REST, if restart is not 0; on success the server has said 1xx, the connection is made and,
// with PROT P, encrypted. opening gets that 1xx.
Result<Wire> open_data(Server& server, const Settings& settings, const std::string& command, std::uint64_t restart,
                       Reply& opening);

// An error of a data connection: never one that says the control connection has ended.
Error data_error(Error error);

} // namespace posada::ftp
