// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mbox_status.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace posada::store {

namespace {

// Content-Length is one too: it counts the octets of the mbox, and the mail is none any more.
constexpr std::array<std::string_view, 8> names{"status", "x-status",   "x-keywords", "x-uid",
                                                "x-imap", "x-imapbase", "x-uidl",     "content-length"};

constexpr std::size_t max_uidl = 70;
constexpr std::string_view blanks = " \t\r\n";

void set_flag(std::string& flags, char letter, bool on) {
    const std::size_t at = flags.find(letter);
    if (at != std::string::npos) flags.erase(at, 1);
    if (!on) return;
    flags.insert(std::upper_bound(flags.begin(), flags.end(), letter), letter);
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t at = text.find_first_not_of(blanks); at != std::string_view::npos;
         at = text.find_first_not_of(blanks, at)) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        out.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

// RFC 1939 §7.
bool is_uidl(std::string_view text) {
    const auto allowed = [](char c) { return c >= 0x21 && c <= 0x7e; };
    return !text.empty() && text.size() <= max_uidl && std::all_of(text.begin(), text.end(), allowed);
}

bool has(std::string_view value, char letter) { return value.find(letter) != std::string_view::npos; }

} // namespace

std::optional<std::string> status_field_name(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string name = ascii_lower(line.substr(0, colon));
    const bool whole = colon != std::string_view::npos;
    for (const std::string_view known : names) {
        if (whole && known == name) return name;
        if (!whole && known.starts_with(name)) return std::nullopt;
    }
    return "";
}

// The last field of a name counts: a program that notes something removes what it finds and writes its own at the end.
void take_status_field(std::string_view name, std::string_view value, MboxStatus& status) {
    if (name == "status") {
        status.seen_before = has(value, 'O') || has(value, 'R');
        set_flag(status.flags, 'S', has(value, 'R'));
    } else if (name == "x-status") {
        set_flag(status.flags, 'R', has(value, 'A'));
        set_flag(status.flags, 'F', has(value, 'F'));
        set_flag(status.flags, 'T', has(value, 'D'));
        set_flag(status.flags, 'D', has(value, 'T'));
    } else if (name == "x-keywords") {
        status.keywords = words_of(value);
    } else if (name == "x-uidl") {
        const std::vector<std::string> words = words_of(value);
        status.uidl = words.size() == 1 && is_uidl(words[0]) ? words[0] : "";
    }
}

} // namespace posada::store
