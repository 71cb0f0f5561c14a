// SPDX-License-Identifier: BSD-2-Clause
// What the user can change, and how the program ends. The exit codes are those of ncftpget(1) as far as they go.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "clients/ftp/name_rules.h"
#include "clients/ftp/rate.h"
#include "common/base/clock.h"

namespace posada::ftp {

// Of the first failure of a program that nobody types into; a person at a terminal always leaves with ok.
enum class Exit : std::uint8_t {
    ok = 0,
    connect = 1,          // no connection, or the server ended it
    connect_timeout = 2,  // no connection within --timeout
    transfer = 3,         // a file is not whole; what there is of it is in NAME.part
    transfer_timeout = 4, // nothing came for --timeout
    command = 5,          // the server or the local disk refused
    login = 6,
    url = 7, // an address that cannot be understood
    usage = 8,
    tls = 9, // no TLS where it was wanted, or a certificate that is not the server's
};

// automatic: TLS where the server has it; without it no password leaves, unless to this very host.
enum class TlsUse : std::uint8_t { automatic, required, implicit, off };

enum class DataMode : std::uint8_t { automatic, passive, active };

struct Settings {
    bool verbose = true;
    bool debug = false; // shows what is sent
    bool prompt = true; // asks for each file of mget, mput and mdelete
    bool glob = true;
    bool hash = false;
    bool progress = true;
    bool bell = false;
    bool auto_login = true;
    bool anonymous = false;
    bool epsv = true;
    bool strip_cr = true; // TYPE A: CRLF becomes LF
    bool sunique = false; // STOU instead of STOR
    bool runique = false; // a number behind names that are taken
    bool lower_case = false;
    bool preserve = true; // what is fetched gets the time it has there
    Translation translation;
    Mapping mapping;
    std::shared_ptr<Rates> rates = std::make_shared<Rates>(); // of all connections
    bool fail_exit = false;
    DataMode data = DataMode::automatic;
    char type = 'A'; // what the next transfer wants: A or I
    std::uint64_t restart = 0;
    std::uint16_t port = 0; // 0: 21, or 990 for implicit TLS
    int family = 0;         // AF_UNSPEC, AF_INET, AF_INET6
    TlsUse tls = TlsUse::automatic;
    bool verify = true;
    std::string ca_file;     // empty: the system's authorities
    Millis patience{60'000}; // for a connection, a reply, or the next octets
};

} // namespace posada::ftp
