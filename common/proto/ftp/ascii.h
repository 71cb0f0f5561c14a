// SPDX-License-Identifier: BSD-2-Clause
// TYPE A (RFC 959 §3.1.1.1): lines end with LF on our side and with CRLF on the wire. Both ways work on whatever pieces
// a file comes in, at the speed of memchr(3).
#pragma once

#include <string>
#include <string_view>

namespace posada::proto::ftp {

// To the wire: LF becomes CRLF; a CRLF that is there already stays as it is.
class ToNetwork {
  public:
    void convert(std::string_view in, std::string& out); // appends

  private:
    bool after_cr_ = false;
};

// From the wire: CRLF becomes LF; any other CR stays.
class FromNetwork {
  public:
    void convert(std::string_view in, std::string& out); // appends
    void finish(std::string& out);                       // a CR at the very end

  private:
    bool cr_held_ = false;
};

} // namespace posada::proto::ftp
