// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/uidlist_format.h"

#include <charconv>

#include "common/base/text.h"

namespace posada::store {

namespace {

constexpr std::uint32_t max_uid = UINT32_MAX - 1; // next_uid is a number of 32 bits too

// Cuts one word off, and the space behind it.
std::string_view take_word(std::string_view& rest) {
    const std::size_t space = rest.find(' ');
    const std::string_view word = rest.substr(0, space);
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
    return word;
}

std::optional<std::uint32_t> parse_uid(std::string_view digits, std::uint32_t highest) {
    std::uint32_t uid = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
    if (error != std::errc() || end != digits.data() + digits.size() || uid == 0 || uid > highest) return std::nullopt;
    return uid;
}

bool read_header_field(std::string_view word, UidlistHeader& header) {
    const std::string_view value = word.substr(1);
    if (word.front() == 'V' || word.front() == 'N') {
        const auto number = parse_uid(value, UINT32_MAX);
        if (!number) return false;
        (word.front() == 'V' ? header.uidvalidity : header.next_uid) = *number;
    } else if (word.front() == 'G') {
        header.guid = value;
    } else {
        header.other.append(" ").append(word);
    }
    return true;
}

std::optional<UidlistHeader> read_header(std::string_view line) {
    UidlistHeader header;
    if (take_word(line) != "3") return std::nullopt;
    while (!line.empty()) {
        const std::string_view word = take_word(line);
        if (!word.empty() && !read_header_field(word, header)) return std::nullopt;
    }
    if (header.uidvalidity == 0) return std::nullopt;
    return header;
}

std::optional<UidEntry> read_entry(std::string_view line) {
    UidEntry entry;
    const auto uid = parse_uid(take_word(line), max_uid);
    if (!uid) return std::nullopt;
    entry.uid = *uid;
    const char* const fields = line.data();
    std::size_t length = 0;
    while (!line.empty() && line.front() != ':') length = static_cast<std::size_t>(take_word(line).end() - fields);
    if (line.size() < 2 || line.find('/') != std::string_view::npos || line.find('\0') != std::string_view::npos)
        return std::nullopt;
    entry.fields = {fields, length};
    entry.name = line.substr(1);
    if (entry.name.front() == '.' || entry.name.front() == ':') return std::nullopt;
    return entry;
}

// One line of the body. A line for the uid before it takes its place: that is how a copy is amended.
bool read_line(std::string_view line, UidlistText& out) {
    if (!line.empty() && line.front() == '#') {
        out.seal = line.substr(1);
        return true;
    }
    const auto entry = read_entry(line);
    if (!entry || (!out.entries.empty() && entry->uid <= out.entries.back().uid)) return false;
    out.entries.push_back(*entry);
    return true;
}

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
    if (error == std::errc()) out.append(digits, end);
}

void append_field(std::string& out, char key, std::uint64_t value) {
    out.append(1, ' ').append(1, key);
    append_number(out, value);
}

void append_hex8(std::string& out, std::uint32_t number) {
    for (int shift = 28; shift >= 0; shift -= 4) out.append(1, "0123456789abcdef"[(number >> shift) & 0xf]);
}

} // namespace

Result<UidlistText> parse_uidlist(std::string_view text) {
    UidlistText out;
    std::size_t end = text.find('\n');
    const auto header = read_header(text.substr(0, end));
    if (end == std::string_view::npos || !header) return Error{Errc::corrupt, 0, "no header of a version 3 uidlist"};
    out.header = *header;
    out.entries.reserve(text.size() / 48);
    for (std::size_t begin = end + 1; begin < text.size(); begin = end + 1) {
        end = text.find('\n', begin);
        out.damaged = end == std::string_view::npos || !read_line(text.substr(begin, end - begin), out);
        if (out.damaged) break;
    }
    if (!out.entries.empty() && out.header.next_uid <= out.entries.back().uid)
        out.header.next_uid = out.entries.back().uid + 1;
    return out;
}

std::optional<std::string_view> uidlist_field(std::string_view fields, char key) {
    while (!fields.empty()) {
        const std::string_view word = take_word(fields);
        if (!word.empty() && word.front() == key) return word.substr(1);
    }
    return std::nullopt;
}

void append_header(std::string& out, const UidlistHeader& header) {
    out.append("3 V");
    append_number(out, header.uidvalidity);
    append_field(out, 'N', header.next_uid);
    if (!header.guid.empty()) out.append(" G").append(header.guid);
    out.append(header.other).append("\n");
}

void append_entry(std::string& out, const UidEntry& entry, bool with_z) {
    append_number(out, entry.uid);
    if (!entry.fields.empty()) out.append(" ").append(entry.fields);
    if (entry.measured_w != 0) append_field(out, 'W', entry.measured_w);
    if (with_z && entry.octets_as_sent != 0) append_field(out, 'Z', entry.octets_as_sent);
    out.append(" :").append(entry.base()).append("\n");
}

void append_uidl(std::string& out, std::uint32_t uid, std::uint32_t uidvalidity) {
    append_hex8(out, uid);
    append_hex8(out, uidvalidity);
}

} // namespace posada::store
