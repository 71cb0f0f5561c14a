// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/listing_json.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "common/base/text.h"

namespace posada::ftp {

using nlohmann::ordered_json;

static std::string octal(unsigned mode) {
    char text[16];
    std::snprintf(text, sizeof text, "%04o", mode);
    return text;
}

static std::string json_object(const Entry& entry) {
    ordered_json out{{"name", entry.name}, {"type", kind_name(entry.kind)}};
    if (!is_valid_utf8(entry.name)) out["octets"] = hex(entry.name);
    if (entry.size) out["size"] = *entry.size;
    if (entry.modified && entry.exact) out["modify"] = iso8601(*entry.modified);
    if (entry.mode) out["mode"] = octal(*entry.mode);
    if (!entry.unique.empty()) out["unique"] = entry.unique;
    return out.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

std::vector<std::string> json_lines(const std::vector<Entry>& entries) {
    std::vector<std::string> out{"["};
    for (std::size_t i = 0; i < entries.size(); ++i)
        out.push_back(json_object(entries[i]) + (i + 1 < entries.size() ? "," : ""));
    out.emplace_back("]");
    return out;
}

} // namespace posada::ftp
