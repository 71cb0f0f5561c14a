// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/listing.h"

#include <sys/stat.h>

#include <algorithm>
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

bool is_safe(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }

void append_safe(std::string& out, std::string_view name) {
    if (std::all_of(name.begin(), name.end(), is_safe)) return void(out.append(name));
    for (const char c : name) out += is_safe(c) ? c : '?';
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
void append_permissions(std::string& out, const Entry& entry) {
    char letters[] = "-rwxrwxrwx";
    letters[0] = type_letter(entry.type);
    for (unsigned i = 0; i < 9; ++i)
        if ((entry.mode >> (8 - i) & 1) == 0) letters[i + 1] = '-';
    const auto special = [&](std::uint32_t bit, std::size_t at, char with_x, char without) {
        if ((entry.mode & bit) != 0) letters[at] = letters[at] == 'x' ? with_x : without;
    };
    special(S_ISUID, 3, 's', 'S');
    special(S_ISGID, 6, 's', 'S');
    special(S_ISVTX, 9, 't', 'T');
    out.append(letters, sizeof letters - 1);
}

// "Nov 22 18:40" or "Nov 22  2019"; the C locale, whatever the process has.
void append_list_time(std::string& out, UnixTime t, bool local, UnixTime now) {
    std::tm parts{};
    const std::time_t when = t;
    if ((local ? ::localtime_r(&when, &parts) : ::gmtime_r(&when, &parts)) == nullptr)
        return void(out.append("Jan  1  1970"));
    out.append(months[parts.tm_mon % 12]).append(" ");
    append_number(out, static_cast<unsigned>(parts.tm_mday), 2);
    if (t > now || now - t > half_a_year) {
        out.append("  ");
        return append_number(out, static_cast<std::uint64_t>(std::max(0, parts.tm_year + 1900)), 4);
    }
    out += ' ';
    append_number(out, static_cast<unsigned>(parts.tm_hour), 2, '0');
    out += ':';
    append_number(out, static_cast<unsigned>(parts.tm_min), 2, '0');
}

bool owns(const Entry& entry, const Viewer& viewer) { return entry.uid == viewer.uid; }

// RFC 3659 §7.5.5. Who is in the file's group is not known here: owner and others.
void append_perm_letters(std::string& out, const Entry& entry, const Viewer& viewer) {
    const std::uint32_t bits = owns(entry, viewer) ? entry.mode >> 6 : entry.mode;
    const bool read = (bits & 4) != 0;
    const bool write = (bits & 2) != 0 && viewer.may_write;
    const bool search = (bits & 1) != 0;
    if (entry.type == EntryType::directory) {
        if (search) out += 'e';
        if (read && search) out += 'l';
        if (write && search) out += "cmp";
    } else {
        if (read) out += 'r';
        if (write) out += "aw";
    }
    if (viewer.may_write && owns(entry, viewer)) out += "fd";
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
    constexpr std::size_t name_width = 8;
    constexpr std::size_t longest_name = 32;
    append_permissions(out, entry);
    out += ' ';
    append_number(out, entry.links, 4);
    out += ' ';
    const auto fill_up = [&out](std::size_t begin) {
        out.append(std::max(out.size(), begin + name_width) - out.size(), ' ').append(" ");
    };
    const std::size_t owner = out.size();
    if (owns(entry, viewer))
        out.append(viewer.name, 0, longest_name);
    else
        append_number(out, entry.uid);
    fill_up(owner);
    const std::size_t group = out.size();
    append_number(out, entry.gid);
    fill_up(group);
    append_number(out, entry.size, 10);
    out += ' ';
    append_list_time(out, entry.modified, viewer.local_time, now);
    out += ' ';
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
    const auto fact = [&](Fact which, std::string_view word, const auto& append_value) {
        if ((facts & which) == 0) return;
        out.append(word);
        append_value();
        out += ';';
    };
    fact(fact_type, "type=", [&] { out.append(type_word(entry)); });
    if (entry.type != EntryType::directory) fact(fact_size, "size=", [&] { append_number(out, entry.size); });
    fact(fact_modify, "modify=", [&] { out.append(print_time_val(entry.modified)); });
    fact(fact_perm, "perm=", [&] { append_perm_letters(out, entry, viewer); });
    fact(fact_unique, "unique=", [&] {
        append_number(out, entry.device, 0, ' ', 16);
        out += 'g';
        append_number(out, entry.inode, 0, ' ', 16);
    });
    fact(fact_mode, "UNIX.mode=0", [&] { append_number(out, entry.mode & 07777, 0, ' ', 8); });
    fact(fact_owner, "UNIX.owner=", [&] { append_number(out, entry.uid); });
    fact(fact_owner, "UNIX.group=", [&] { append_number(out, entry.gid); });
    out += ' ';
    append_safe(out, name);
    out += "\r\n";
}

} // namespace posada::ftpd
