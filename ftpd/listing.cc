// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/listing.h"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "common/base/text.h"
#include "common/base/time_val.h"

namespace posada::ftpd {

namespace {

struct FactName {
    Fact fact;
    std::string_view word;
};
constexpr FactName fact_names[] = {
    {fact_type, "Type"},     {fact_size, "Size"},      {fact_modify, "Modify"},    {fact_perm, "Perm"},
    {fact_unique, "Unique"}, {fact_mode, "UNIX.mode"}, {fact_owner, "UNIX.owner"}, {fact_owner, "UNIX.group"},
};

constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr UnixTime half_a_year = 182LL * 86'400; // what ls(1) calls recent

void append_safe(std::string& out, std::string_view name) {
    for (const char c : name) {
        const auto u = static_cast<unsigned char>(c);
        out += u < 0x20 || u == 0x7f ? '?' : c;
    }
}

char type_letter(EntryType type) {
    switch (type) {
    case EntryType::file: return '-';
    case EntryType::directory: return 'd';
    case EntryType::link: return 'l';
    case EntryType::other: return 's';
    }
    return '-';
}

// "-rwsr-xr-t"
std::string permissions(const Entry& entry) {
    std::string out(1, type_letter(entry.type));
    for (int shift = 6; shift >= 0; shift -= 3) {
        const std::uint32_t three = entry.mode >> shift;
        out += (three & 4) != 0 ? 'r' : '-';
        out += (three & 2) != 0 ? 'w' : '-';
        out += (three & 1) != 0 ? 'x' : '-';
    }
    const auto special = [&](std::uint32_t bit, std::size_t at, char with_x, char without) {
        if ((entry.mode & bit) != 0) out[at] = out[at] == 'x' ? with_x : without;
    };
    special(S_ISUID, 3, 's', 'S');
    special(S_ISGID, 6, 's', 'S');
    special(S_ISVTX, 9, 't', 'T');
    return out;
}

// "Nov 22 18:40" or "Nov 22  2019"; the C locale, whatever the process has.
std::string list_time(UnixTime t, bool local, UnixTime now) {
    std::tm parts{};
    const std::time_t when = t;
    if ((local ? ::localtime_r(&when, &parts) : ::gmtime_r(&when, &parts)) == nullptr) return "Jan  1  1970";
    std::array<char, 64> out{};
    const char* month = months[parts.tm_mon % 12];
    if (t > now || now - t > half_a_year)
        std::snprintf(out.data(), out.size(), "%s %2d  %d", month, parts.tm_mday, parts.tm_year + 1900);
    else
        std::snprintf(out.data(), out.size(), "%s %2d %02d:%02d", month, parts.tm_mday, parts.tm_hour, parts.tm_min);
    return out.data();
}

bool owns(const Entry& entry, const Viewer& viewer) { return entry.uid == viewer.uid; }

// RFC 3659 §7.5.5. Who is in the file's group is not known here: owner and others.
std::string perm_letters(const Entry& entry, const Viewer& viewer) {
    const std::uint32_t bits = owns(entry, viewer) ? entry.mode >> 6 : entry.mode;
    const bool read = (bits & 4) != 0;
    const bool write = (bits & 2) != 0 && viewer.may_write;
    const bool search = (bits & 1) != 0;
    std::string out;
    if (entry.type == EntryType::directory) {
        if (search) out += 'e';
        if (read && search) out += 'l';
        if (write && search) out += "cmp";
    } else {
        if (read) out += 'r';
        if (write) out += "aw";
    }
    if (viewer.may_write && owns(entry, viewer)) out += "fd";
    return out;
}

std::string_view type_word(const Entry& entry) {
    switch (entry.type) {
    case EntryType::file: return "file";
    case EntryType::directory: return "dir";
    case EntryType::link: return "OS.unix=symlink";
    case EntryType::other: return "OS.unix=special";
    }
    return "file";
}

std::string in_base(std::uint64_t number, const char* form) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), form, static_cast<unsigned long long>(number));
    return out.data();
}

} // namespace

std::string fact_words(std::uint8_t chosen) {
    std::string out;
    for (const auto& [fact, word] : fact_names) out.append(word).append((chosen & fact) != 0 ? "*;" : ";");
    return out;
}

std::string chosen_facts(std::uint8_t chosen) {
    std::string out;
    for (const auto& [fact, word] : fact_names)
        if ((chosen & fact) != 0) out.append(word).append(";");
    return out;
}

std::uint8_t parse_facts(std::string_view words) {
    std::uint8_t out = 0;
    for (const std::string_view word : split(words, ';'))
        for (const auto& [fact, name] : fact_names)
            if (iequals(word, name)) out |= fact;
    return out;
}

void append_list_line(std::string& out, const Entry& entry, const Viewer& viewer, UnixTime now) {
    const std::string owner = owns(entry, viewer) ? viewer.name : std::to_string(entry.uid);
    std::array<char, 128> head{};
    std::snprintf(head.data(), head.size(), "%s %4llu %-8.32s %-8u %10llu %s ", permissions(entry).c_str(),
                  static_cast<unsigned long long>(entry.links), owner.c_str(), entry.gid,
                  static_cast<unsigned long long>(entry.size),
                  list_time(entry.modified, viewer.local_time, now).c_str());
    out += head.data();
    append_safe(out, entry.name);
    if (entry.type == EntryType::link) {
        out += " -> ";
        append_safe(out, entry.target);
    }
    out += "\r\n";
}

void append_name_line(std::string& out, std::string_view name) {
    append_safe(out, name);
    out += "\r\n";
}

void append_facts_line(std::string& out, const Entry& entry, std::string_view name, const Viewer& viewer,
                       std::uint8_t facts) {
    const auto fact = [&](Fact which, std::string_view word, std::string_view value) {
        if ((facts & which) != 0) out.append(word).append("=").append(value).append(";");
    };
    fact(fact_type, "type", type_word(entry));
    if (entry.type != EntryType::directory) fact(fact_size, "size", std::to_string(entry.size));
    fact(fact_modify, "modify", print_time_val(entry.modified));
    fact(fact_perm, "perm", perm_letters(entry, viewer));
    fact(fact_unique, "unique", in_base(entry.device, "%llxg") + in_base(entry.inode, "%llx"));
    fact(fact_mode, "UNIX.mode", in_base(entry.mode & 07777, "0%llo"));
    fact(fact_owner, "UNIX.owner", std::to_string(entry.uid));
    fact(fact_owner, "UNIX.group", std::to_string(entry.gid));
    out += ' ';
    append_safe(out, name);
    out += "\r\n";
}

} // namespace posada::ftpd
