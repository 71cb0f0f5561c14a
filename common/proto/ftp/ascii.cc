// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/ftp/ascii.h"

namespace posada::proto::ftp {

void ToNetwork::convert(std::string_view in, std::string& out) {
    while (!in.empty()) {
        const std::size_t lf = in.find('\n');
        if (lf == std::string_view::npos) break;
        const bool has_cr = lf == 0 ? after_cr_ : in[lf - 1] == '\r';
        out.append(in.substr(0, lf)).append(has_cr ? "\n" : "\r\n");
        in.remove_prefix(lf + 1);
        after_cr_ = false;
    }
    out.append(in);
    if (!in.empty()) after_cr_ = in.back() == '\r';
}

void FromNetwork::convert(std::string_view in, std::string& out) {
    if (in.empty()) return;
    if (cr_held_ && in.front() != '\n') out += '\r';
    cr_held_ = in.back() == '\r';
    if (cr_held_) in.remove_suffix(1);
    while (!in.empty()) {
        const std::size_t cr = in.find('\r');
        if (cr == std::string_view::npos) break;
        const bool line_end = cr + 1 < in.size() && in[cr + 1] == '\n';
        out.append(in.substr(0, line_end ? cr : cr + 1));
        in.remove_prefix(cr + 1);
    }
    out.append(in);
}

void FromNetwork::finish(std::string& out) {
    if (cr_held_) out += '\r';
    cr_held_ = false;
}

} // namespace posada::proto::ftp
