// SPDX-License-Identifier: BSD-2-Clause
// The configuration as a tree of values that remember where they were written; internal to the config files of this
// folder. config_toml.cc makes it (the only file that sees toml++), config_apply.cc reads it through the schemas.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/service/config/config.h"

namespace posada::service {

// One file as it was read.
struct ConfigFile {
    std::string name;
    std::string text;
    // Line n (from 1) without its end; empty when there is none.
    [[nodiscard]] std::string_view line(unsigned n) const;
};

enum class NodeKind : std::uint8_t { boolean, integer, text, list, table, other };

struct ConfigNode {
    NodeKind kind = NodeKind::table;
    const ConfigFile* file = nullptr;
    unsigned line = 0, column = 0;         // of the value
    unsigned key_line = 0, key_column = 0; // of its key
    std::string key;
    bool boolean = false;
    std::int64_t integer = 0;
    std::string text;                 // text; for other: what it is ("a date")
    std::vector<ConfigNode> children; // of a list, in order; of a table, in the order of the file

    [[nodiscard]] const ConfigNode* find(std::string_view wanted) const;
    [[nodiscard]] bool is_list_of_tables() const;
};

// Collects errors; knows the files, so it can quote them.
class ErrorList {
  public:
    void add(const ConfigFile& file, unsigned line, unsigned column, std::string section, std::string message);
    void add(std::string file, std::string section, std::string message); // about the file as a whole
    // By file in the order of reading, then line and column; at most 200, then a note.
    std::vector<ConfigError> take();

  private:
    std::vector<ConfigError> errors_;
    bool cut_ = false;
};

// The first thing in a text that toml++ must not see: NUL, invalid UTF-8, non-ASCII outside quotes and comments (its
// tables have holes), endless lines, and dotted keys without end (each dot is a level of recursion).
struct HostilePlace {
    unsigned line = 0;
    unsigned column = 0;
    std::string text;
};
std::optional<HostilePlace> find_hostile(std::string_view text);

// Parses one file. Syntax errors go to errors; the rest of the file is read all the same where that is possible.
// daemons: the names of their sections, to tell whom an error concerns.
ConfigNode parse_toml(const ConfigFile& file, const std::vector<std::string_view>& daemons, ErrorList& errors);

// Whom an error below [section] concerns: that daemon, or "" = all. A misspelt section counts as the one it was meant
// to be; a section that resembles none concerns nobody and is returned itself.
std::string error_scope(std::string_view section, const std::vector<std::string_view>& daemons);

// The file that the configuration consists of; unreadable or unsafe files are errors. The pointers stay valid as long
// as the vector.
std::vector<std::unique_ptr<ConfigFile>> read_config_files(const ConfigSource& source, ErrorList& errors);

// load_config() without the file system; errors: those found so far.
LoadedConfig load_config_files(std::vector<std::unique_ptr<ConfigFile>> files, ErrorList errors,
                               std::span<const SectionInfo* const> sections);

// The nearest candidate that a typing slip explains (fewer letters, fewer slips), or empty.
std::string_view suggest(std::string_view wanted, const std::vector<std::string_view>& candidates);
// "; did you mean \"x\"?" or empty.
std::string did_you_mean(std::string_view wanted, const std::vector<std::string_view>& candidates);

} // namespace posada::service
