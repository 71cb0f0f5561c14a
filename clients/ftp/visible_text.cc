// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/visible_text.h"

#include <utility>

#include "clients/ftp/screen.h"

namespace posada::ftp {

constexpr std::size_t max_held = 64 * 1024; // of a line that does not end; it goes on behind this

std::string VisibleText::convert(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        held_.append(text.substr(0, end));
        if (end == std::string_view::npos) break;
        if (held_.ends_with('\r')) held_.pop_back();
        out += visible(std::exchange(held_, {})) + "\n";
        text.remove_prefix(end + 1);
    }
    if (held_.size() > max_held) out += finish();
    return out;
}

std::string VisibleText::finish() { return visible(std::exchange(held_, {})); }

} // namespace posada::ftp
