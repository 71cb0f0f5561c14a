// SPDX-License-Identifier: BSD-2-Clause
// A file that goes to somebody's eyes: what visible() makes of it, line by line, in whatever pieces it comes. Pure.
#pragma once

#include <string>
#include <string_view>

namespace posada::ftp {

class VisibleText {
  public:
    std::string convert(std::string_view text);
    std::string finish(); // a last line that has no end

  private:
    std::string held_;
};

} // namespace posada::ftp
