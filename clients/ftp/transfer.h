// SPDX-License-Identifier: BSD-2-Clause
// One transfer, either way. It is a success only when the data ended as TLS or the server's FIN ends them and the
// server said 2xx behind them. ^C stops a transfer (ABOR) and leaves the control connection usable.
#pragma once

#include <functional>
#include <span>

#include "clients/ftp/data.h"

namespace posada::ftp {

struct Moved {
    std::uint64_t octets = 0; // on the wire
    double seconds = 0;
};
// "4187 bytes received in 0.0101 secs (418700 bytes/sec)"
std::string describe(const Moved& moved, const char* verb);

struct Request {
    std::string command; // "RETR name"
    char type = 'I';
    std::uint64_t restart = 0;
    // TYPE I: what has to come; 0: not known, and taken from the server's 1xx if it says so
    std::uint64_t expected = 0;
};

using Take = std::function<Status(std::string_view)>;
using Give = std::function<Result<std::size_t>(std::span<char>)>; // 0 at the end
Result<Moved> receive(Server& server, const Settings& settings, const Screen& screen, const Request& request,
                      const Take& take);
Result<Moved> send(Server& server, const Settings& settings, const Screen& screen, const Request& request,
                   const Give& give);

} // namespace posada::ftp
