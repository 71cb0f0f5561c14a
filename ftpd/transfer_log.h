// SPDX-License-Identifier: BSD-2-Clause
// transfer_log: a line for each transfer in the form of wu-ftpd's xferlog(5), which log analysers read. What a client
// named is one word of it, whatever it named: blanks and control octets become '_'.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::ftpd {

struct TransferRecord {
    UnixTime ended = 0;
    Millis took{};
    std::string client; // address
    std::string path;
    std::uint64_t octets = 0;
    bool ascii = false;
    bool received = false;
    bool complete = false;
    char access = 'r'; // 'a' anonymous, 'g' a class with a directory of its own, 'r' the others
    std::string user;  // of an anonymous one the mail address given
};
// With its newline; in local time, as such files are. A transfer takes at least one second there.
std::string transfer_line(const TransferRecord& record);

// The file: opened when a line comes and the name leads elsewhere by now (logrotate).
class TransferLog {
  public:
    // path empty: no log.
    explicit TransferLog(std::string path) : path_(std::move(path)) {}
    Status add(const TransferRecord& record);

  private:
    Status open();
    std::string path_;
    UniqueFd file_;
};

} // namespace posada::ftpd
