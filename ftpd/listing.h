// SPDX-License-Identifier: BSD-2-Clause
// How a file looks in LIST, NLST, MLSD and MLST. Pure: who reads the disk fills in an Entry. A name cannot forge a line
// (RFC 3659 §2.2): control octets become '?'.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace posada::ftpd {

enum class EntryType : std::uint8_t { file, directory, link, other };
constexpr EntryType last_value(EntryType) { return EntryType::other; }

struct Entry {
    std::string name;
    EntryType type = EntryType::file;
    std::uint64_t size = 0;
    std::uint32_t mode = 0; // permission bits, with setuid, setgid and sticky
    std::uint64_t links = 1;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    UnixTime modified = 0;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::string target; // of a link
};

// The facts of MLSx (RFC 3659 §7.5), as bits; OPTS MLST chooses among them.
enum Fact : std::uint8_t {
    fact_type = 1,
    fact_size = 2,
    fact_modify = 4,
    fact_perm = 8,
    fact_unique = 16,
    fact_mode = 32,
    fact_owner = 64, // UNIX.owner and UNIX.group, in numbers: a name could hold a ';'
};
constexpr std::uint8_t default_facts =
    fact_type | fact_size | fact_modify | fact_perm | fact_unique | fact_mode | fact_owner;
// "Type*;Size*;Modify*;", a star behind those that are chosen, for FEAT.
std::string fact_words(std::uint8_t chosen);
// "Type;Size;": those that are chosen, for the answer to OPTS.
std::string chosen_facts(std::uint8_t chosen);
// "type;size;" of OPTS MLST; unknown ones are ignored (RFC 3659 §7.9).
std::uint8_t parse_facts(std::string_view words);

// Who looks: what perm says depends on it, and files of their own are listed under their name.
struct Viewer {
    std::uint32_t uid = 0;
    std::string name;
    bool may_write = false;  // as configured
    bool local_time = false; // LIST only
};

// Lines end with CRLF whatever TYPE says. now decides between a time of day and a year in LIST.
void append_list_line(std::string& out, const Entry& entry, const Viewer& viewer, UnixTime now);
void append_name_line(std::string& out, std::string_view name);
// "type=file;size=12; name"; name may be a path (MLST).
void append_facts_line(std::string& out, const Entry& entry, std::string_view name, const Viewer& viewer,
                       std::uint8_t facts);

} // namespace posada::ftpd
