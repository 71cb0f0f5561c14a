// SPDX-License-Identifier: BSD-2-Clause
// From the tree to the options structs, by the schema tables; internal to the config files of this folder.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "common/service/config/config_tree.h"

namespace posada::service {

struct WrittenAt {
    const ConfigFile* file = nullptr;
    unsigned line = 0;
    unsigned column = 0;
};
// "pop3d.listen[0].port" -> where it was written; sections and groups are in it too.
using Origins = std::map<std::string, WrittenAt, std::less<>>;

// Several structs may share one table of the file: a daemon's own options and what all daemons have.
struct Part {
    const Schema* schema;
    void* options;
};

class Applier {
  public:
    Applier(ErrorList& errors, Origins& origins) : errors_(errors), origins_(origins) {}
    // path: "" or "pop3d"; scope: the section that its errors belong to. Keys in skip are somebody else's.
    void apply(const ConfigNode& table, std::span<const Part> parts, const std::string& path, const std::string& scope,
               std::span<const std::string_view> skip = {});

  private:
    struct Where {
        std::string path;
        const std::string& scope;
    };
    void unknown_key(const ConfigNode& node, std::span<const Part> parts, const std::string& path,
                     const std::string& scope);
    void apply_row(const OptionRow& row, const ConfigNode& node, void* options, const Where& where);
    std::optional<OptionValue> apply_value(const OptionRow& row, const ConfigNode& node, const Where& where);
    std::optional<OptionValue> apply_list(const OptionRow& row, const ConfigNode& node, const Where& where);
    void apply_group(const OptionRow& row, const ConfigNode& node, void* options, const Where& where);
    void apply_tables(const OptionRow& row, const ConfigNode& node, void* options, const Where& where);
    void require(const OptionRow& row, const ConfigNode& table, const Where& where);
    void error(const ConfigNode& node, const std::string& scope, std::string message);

    ErrorList& errors_;
    Origins& origins_;
};

} // namespace posada::service
