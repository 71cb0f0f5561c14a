// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/listing.h"

#include "clients/ftp/reply.h"
#include "common/base/text.h"
#include "common/base/time_val.h"

namespace posada::ftp {

constexpr std::size_t max_refused = 20; // are shown

const char* kind_name(Kind kind) {
    switch (kind) {
    case Kind::file: return "file";
    case Kind::directory: return "directory";
    case Kind::link: return "link";
    case Kind::other: break;
    }
    return "other";
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
           !has_control(name);
}

// OS.unix=symlink and OS.unix=slink:/where are how servers write links.
static Kind kind_of(std::string_view type) {
    if (iequals(type, "file")) return Kind::file;
    if (iequals(type, "dir")) return Kind::directory;
    if (istarts_with(type, "OS.unix=symlink") || istarts_with(type, "OS.unix=slink")) return Kind::link;
    return Kind::other;
}

static std::optional<unsigned> parse_mode(std::string_view text) {
    unsigned mode = 0;
    for (const char c : text) {
        if (c < '0' || c > '7' || mode > 07777) return std::nullopt;
        mode = mode * 8 + static_cast<unsigned>(c - '0');
    }
    return text.empty() ? std::nullopt : std::optional(mode & 07777);
}

static void take_fact(std::string_view fact, Entry& entry) {
    const std::size_t equals = fact.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = fact.substr(0, equals);
    const std::string_view value = fact.substr(equals + 1);
    if (iequals(name, "type")) entry.kind = kind_of(value);
    if (iequals(name, "size")) entry.size = parse_uint(value);
    if (iequals(name, "unique")) entry.unique = value;
    if (iequals(name, "UNIX.mode")) entry.mode = parse_mode(value);
    if (iequals(name, "modify")) entry.modified = parse_time_val(value);
}

std::optional<Entry> parse_mlsx(std::string_view line) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos || (blank != 0 && line[blank - 1] != ';')) return std::nullopt;
    Entry entry;
    entry.name = line.substr(blank + 1);
    for (const std::string_view fact : split(line.substr(0, blank), ';')) {
        if (iequals(fact, "type=cdir")) entry.name = ".";
        if (iequals(fact, "type=pdir")) entry.name = "..";
        take_fact(fact, entry);
    }
    entry.exact = entry.modified.has_value();
    return entry;
}

void ListingReader::refuse(std::string_view text) {
    if (out_.refused.size() < max_refused) out_.refused.emplace_back(text);
}

Status ListingReader::line(std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty() || (out_.from_list && istarts_with(text, "total "))) return {};
    auto entry = out_.from_list ? parse_list(text, now_) : parse_mlsx(text);
    if (!entry || (!is_plain_name(entry->name) && entry->name != "." && entry->name != ".."))
        return refuse(entry ? std::string_view(entry->name) : text), Status{};
    if (!is_plain_name(entry->name)) return {}; // the directory itself, and the one above
    // Told twice, a name could be a link first and then a directory behind it.
    if (!names_.insert(entry->name).second) return refuse(entry->name), Status{};
    if (names_.size() > max_entries) return Error{Errc::io, 0, "the listing does not end"};
    out_.entries.push_back(std::move(*entry));
    return {};
}

Status ListingReader::take(std::string_view octets) {
    while (!octets.empty()) {
        const std::size_t end = octets.find('\n');
        held_.append(octets.substr(0, end));
        if (held_.size() > max_reply_line) return Error{Errc::io, 0, "the listing has an endless line"};
        if (end == std::string_view::npos) return {};
        RETURN_IF_ERROR(line(std::exchange(held_, {})));
        octets.remove_prefix(end + 1);
    }
    return {};
}

Listing ListingReader::finish() {
    if (!held_.empty()) (void)line(std::exchange(held_, {}));
    return std::exchange(out_, {});
}

} // namespace posada::ftp
