// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/maildir_name.h"

#include <algorithm>
#include <cstdio>

#include "common/base/text.h"

namespace posada::store {

namespace {

constexpr std::size_t max_uidl = 70;

// '/' and ':' as the Maildir documents have it; ',' starts our size fields.
std::string safe_hostname(std::string_view hostname) {
    std::string out;
    for (const char c : hostname) {
        if (c == '/') {
            out += "\\057";
        } else if (c == ':') {
            out += "\\072";
        } else if (c == ',') {
            out += "\\054";
        } else {
            out += c;
        }
    }
    return out.empty() ? "localhost" : out;
}

} // namespace

std::uint64_t arrival_time(std::string_view file_name) noexcept {
    const auto digits = std::find_if(file_name.begin(), file_name.end(), [](char c) { return c < '0' || c > '9'; });
    return parse_uint(file_name.substr(0, static_cast<std::size_t>(digits - file_name.begin()))).value_or(0);
}

MaildirName parse_maildir_name(std::string_view file_name) noexcept {
    MaildirName out;
    out.base = file_name.substr(0, file_name.find(':'));
    out.time = arrival_time(out.base);
    std::string_view fields = out.base;
    for (std::size_t comma = fields.find(','); comma != std::string_view::npos; comma = fields.find(',')) {
        fields.remove_prefix(comma + 1);
        const std::string_view field = fields.substr(0, fields.find(','));
        if (field.starts_with("S=")) out.size = parse_uint(field.substr(2));
        if (field.starts_with("W=")) out.crlf_size = parse_uint(field.substr(2));
    }
    return out;
}

std::string unique_name(std::int64_t micros, int pid, std::uint64_t sequence, std::string_view hostname) {
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, "%06d", static_cast<int>(micros % 1'000'000));
    return std::to_string(micros / 1'000'000) + ".M" + fraction + "P" + std::to_string(pid) + "Q" +
           std::to_string(sequence) + "." + safe_hostname(hostname);
}

std::string delivery_name(UnixTime arrival, std::string_view queue_id, std::uint64_t row, std::string_view hostname) {
    return std::to_string(arrival) + ".Q" + std::string(queue_id) + "R" + std::to_string(row) + "." +
           safe_hostname(hostname);
}

std::string with_sizes(std::string_view unique, std::uint64_t stored, std::optional<std::uint64_t> crlf_size) {
    std::string out = std::string(unique) + ",S=" + std::to_string(stored);
    if (crlf_size) out += ",W=" + std::to_string(*crlf_size);
    return out;
}

std::string_view flags_of(std::string_view file_name) noexcept {
    const std::size_t info = file_name.find(":2,");
    return info == std::string_view::npos ? std::string_view() : file_name.substr(info + 3);
}

std::string with_flags(std::string_view file_name, std::string_view flags) {
    std::string all = std::string(flags_of(file_name)).append(flags);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return std::string(file_name.substr(0, file_name.find(':'))) + ":2," + all;
}

bool is_uidl(std::string_view text) noexcept {
    const auto allowed = [](char c) { return c >= 0x21 && c <= 0x7e; };
    return !text.empty() && text.size() <= max_uidl && std::all_of(text.begin(), text.end(), allowed);
}

} // namespace posada::store
