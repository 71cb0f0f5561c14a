// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/message_measure.h"

namespace posada::store {

void MessageMeasure::add(std::string_view bytes) {
    stored_ += bytes.size();
    while (!bytes.empty()) {
        const std::size_t lf = bytes.find('\n');
        const std::string_view part = bytes.substr(0, lf);
        line_ += part.size();
        if (!part.empty()) last_ = part.back();
        if (lf == std::string_view::npos) return;
        const bool after_cr = line_ != 0 && last_ == '\r';
        if (!after_cr) ++bare_lf_;
        if (line_ == (after_cr ? 1 : 0)) header_end_ = true;
        line_ = 0;
        last_ = '\n';
        bytes.remove_prefix(lf + 1);
    }
}

} // namespace posada::store
