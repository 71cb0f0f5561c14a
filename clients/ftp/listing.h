// SPDX-License-Identifier: BSD-2-Clause
// What a server says is in a directory: MLSD (RFC 3659 §7), or LIST as Unix and Windows print it. Pure. A name is one
// component or it is refused: nothing that a server says leads out of the directory that was asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace posada::ftp {

constexpr std::size_t max_entries = 1'000'000; // of one directory

enum class Kind : std::uint8_t { file, directory, link, other };

struct Entry {
    std::string name;
    Kind kind = Kind::other;
    std::optional<std::uint64_t> size;
    std::optional<UnixTime> modified;
    bool exact = false;           // modified is UTC and has seconds; LIST has neither
    std::optional<unsigned> mode; // permissions
    std::string unique;           // the same for two names of one thing; empty: not told
};
const char* kind_name(Kind kind);

// One line without its end; nothing for what is none of a listing. now gives a date without a year its year.
std::optional<Entry> parse_mlsx(std::string_view line);
std::optional<Entry> parse_list(std::string_view line, UnixTime now);

// One component that may be used here: not empty, "." or "..", no slash and no control octet in it.
bool is_plain_name(std::string_view name);

struct Listing {
    std::vector<Entry> entries;
    std::vector<std::string> refused; // names and lines that are not taken; the first few
    bool from_list = false;           // LIST: links, times and what does not exist are guesses
};

// Takes a listing in whatever pieces it comes.
class ListingReader {
  public:
    ListingReader(bool from_list, UnixTime now) : now_(now) { out_.from_list = from_list; }
    Status take(std::string_view octets); // Errc::io: a line or the listing does not end
    Listing finish();

  private:
    Status line(std::string_view text);
    void refuse(std::string_view text);
    UnixTime now_;
    std::string held_;
    std::set<std::string, std::less<>> names_;
    Listing out_;
};

} // namespace posada::ftp
