// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/config/config_apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/text.h"

namespace posada::service {

namespace {

std::string found(const ConfigNode& node) {
    switch (node.kind) {
    case NodeKind::boolean: return node.boolean ? "true" : "false";
    case NodeKind::integer: return fmt::format("the number {}", node.integer);
    case NodeKind::text: return fmt::format("the text \"{}\"", escape_for_log(node.text.substr(0, 60)));
    case NodeKind::list: return node.is_list_of_tables() ? "tables" : "a list";
    case NodeKind::table: return "a table";
    case NodeKind::other: return node.text;
    }
    return "";
}

std::string_view wanted(OptionType type) {
    switch (type) {
    case OptionType::boolean: return "true or false";
    case OptionType::integer: return "a number";
    case OptionType::duration: return "a duration in quotes, such as \"30s\" or \"1h30m\"";
    case OptionType::size: return "a size in quotes, such as \"64K\" or \"25M\"";
    case OptionType::text: return "text in quotes";
    case OptionType::path: return "a path in quotes";
    case OptionType::choice: return "a word in quotes";
    case OptionType::text_list: return "a list of texts, such as [\"a\", \"b\"]";
    case OptionType::network_list: return "a list of networks, such as [\"10.0.0.0/8\", \"::1\"]";
    case OptionType::address_list: return "a list of IP addresses, such as [\"127.0.0.1\", \"::1\"]";
    case OptionType::duration_list: return "a list of durations, such as [\"2s\", \"1m\"]";
    case OptionType::range: return "two numbers, such as [70000, 99999]";
    case OptionType::group: return "a table";
    case OptionType::tables: return "tables";
    }
    return "";
}

// ---- one value

Result<OptionValue> parse_choice(const OptionRow& row, const std::string& text) {
    for (std::size_t i = 0; i < row.words.size(); ++i)
        if (row.words[i] == text) return OptionValue(static_cast<std::uint64_t>(i));
    const std::vector<std::string_view> words(row.words.begin(), row.words.end());
    return Error{
        Errc::invalid, 0,
        fmt::format("must be {}, not \"{}\"{}", describe_type(row), escape_for_log(text), did_you_mean(text, words))};
}

Result<OptionValue> parse_text_value(const OptionRow& row, const std::string& text) {
    if (row.type == OptionType::choice) return parse_choice(row, text);
    if (row.type == OptionType::duration || row.type == OptionType::duration_list) {
        auto value = parse_duration(text);
        if (!value) return Error{Errc::invalid, 0, fmt::format("\"{}\" {}", escape_for_log(text), value.error().text)};
        return OptionValue(static_cast<std::uint64_t>(value->count()));
    }
    if (row.type == OptionType::size) {
        auto value = parse_size(text);
        if (!value) return Error{Errc::invalid, 0, fmt::format("\"{}\" {}", escape_for_log(text), value.error().text)};
        return OptionValue(*value);
    }
    return OptionValue(text);
}

bool holds_text(OptionType type) {
    return type != OptionType::boolean && type != OptionType::integer && type != OptionType::range;
}

// A value that is not a list, or an element of one.
Result<OptionValue> parse_scalar(const OptionRow& row, const ConfigNode& node) {
    if (row.type == OptionType::boolean && node.kind == NodeKind::boolean) return OptionValue(node.boolean);
    if ((row.type == OptionType::integer || row.type == OptionType::range) && node.kind == NodeKind::integer) {
        if (node.integer >= 0) return OptionValue(static_cast<std::uint64_t>(node.integer));
        return Error{Errc::invalid, 0, fmt::format("must not be negative, {} is", node.integer)};
    }
    if (holds_text(row.type) && node.kind == NodeKind::text) return parse_text_value(row, node.text);
    return Error{Errc::invalid, 0, fmt::format("must be {}, not {}", wanted(row.type), found(node))};
}

bool is_list(OptionType type) {
    return type == OptionType::text_list || type == OptionType::network_list || type == OptionType::address_list ||
           type == OptionType::duration_list || type == OptionType::range;
}

bool has_number_elements(OptionType type) { return type == OptionType::duration_list || type == OptionType::range; }

// The row of one element: its checks without those of the list's length.
Status check_element(const OptionRow& row, const OptionValue& element) {
    if (row.type == OptionType::range) return {};
    OptionRow single = row;
    single.min = 0;
    if (const auto* number = std::get_if<std::uint64_t>(&element))
        return check_value(single, std::vector<std::uint64_t>{*number});
    return check_value(single, std::vector<std::string>{std::get<std::string>(element)});
}

std::string join_path(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

// "in [pop3d.listen]": indices are for the origin table, not for people.
std::string in_table(const std::string& path) {
    if (path.empty()) return "at the top of the file";
    std::string name;
    bool inside = false;
    for (const char c : path) {
        inside = c == '[' || (inside && c != ']');
        if (!inside && c != ']') name.push_back(c);
    }
    return path.ends_with(']') ? fmt::format("in [[{}]]", name) : fmt::format("in [{}]", name);
}

std::vector<std::string_view> keys_of(std::span<const Part> parts) {
    std::vector<std::string_view> keys;
    for (const Part& part : parts)
        for (const OptionRow& row : part.schema->rows) keys.push_back(row.key);
    return keys;
}

// The table inside that has such a key: an administrator forgot its header.
std::string_view owner_of(std::string_view key, std::span<const Part> parts) {
    for (const Part& part : parts)
        for (const OptionRow& row : part.schema->rows)
            if (row.type == OptionType::group)
                for (const OptionRow& inner : row.inner->rows)
                    if (inner.key == key) return row.key;
    return {};
}

} // namespace

void Applier::error(const ConfigNode& node, const std::string& scope, std::string message) {
    errors_.add(*node.file, node.line, node.column, scope, std::move(message));
}

void Applier::unknown_key(const ConfigNode& node, std::span<const Part> parts, const std::string& path,
                          const std::string& scope) {
    const std::string shown = escape_for_log(node.key.substr(0, 60));
    const std::string_view owner = owner_of(node.key, parts);
    const std::string hint = owner.empty() ? did_you_mean(node.key, keys_of(parts))
                                           : fmt::format("; it belongs in [{}]", join_path(path, owner));
    errors_.add(*node.file, node.key_line, node.key_column, scope,
                fmt::format("unknown key \"{}\" {}{}", shown, in_table(path), hint));
}

void Applier::apply(const ConfigNode& table, std::span<const Part> parts, const std::string& path,
                    const std::string& scope, std::span<const std::string_view> skip) {
    for (const ConfigNode& node : table.children) {
        if (std::find(skip.begin(), skip.end(), node.key) != skip.end()) continue;
        bool known = false;
        for (const Part& part : parts)
            for (const OptionRow& row : part.schema->rows) {
                if (row.key != node.key) continue;
                known = true;
                apply_row(row, node, part.options, Where{join_path(path, node.key), scope});
            }
        if (!known) unknown_key(node, parts, path, scope);
    }
}

void Applier::apply_group(const OptionRow& row, const ConfigNode& node, void* options, const Where& where) {
    if (node.kind != NodeKind::table)
        return error(node, where.scope, fmt::format("\"{}\" must be a table: [{}]", row.key, where.path));
    const Part part{row.inner, row.element(options, 0)};
    apply(node, std::span(&part, 1), where.path, where.scope);
}

void Applier::require(const OptionRow& row, const ConfigNode& table, const Where& where) {
    for (const OptionRow& inner : row.inner->rows)
        if (inner.required && table.find(inner.key) == nullptr)
            error(table, where.scope, fmt::format("\"{}\" is missing {}", inner.key, in_table(where.path)));
}

void Applier::apply_tables(const OptionRow& row, const ConfigNode& node, void* options, const Where& where) {
    if (!node.is_list_of_tables())
        return error(
            node, where.scope,
            fmt::format("\"{}\" must be an array of tables, not {}: write [[{}]]", row.key, found(node), where.path));
    if (node.children.size() > row.max)
        return error(node, where.scope, fmt::format("more than {} [[{}]]", row.max, where.path));
    row.clear(options);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        const ConfigNode& table = node.children[i];
        const Where element{fmt::format("{}[{}]", where.path, i), where.scope};
        origins_[element.path] = {table.file, table.line, table.column};
        require(row, table, element);
        const Part part{row.inner, row.element(options, i)};
        apply(table, std::span(&part, 1), element.path, where.scope);
    }
}

// The elements that are right; the others become errors, each at its own place.
std::optional<OptionValue> Applier::apply_list(const OptionRow& row, const ConfigNode& node, const Where& where) {
    std::vector<std::string> texts;
    std::vector<std::uint64_t> numbers;
    bool bad = false;
    for (const ConfigNode& child : node.children) {
        auto element = parse_scalar(row, child);
        Status ok = element ? check_element(row, *element) : Status(element.error());
        if (!ok) {
            bad = true;
            error(child, where.scope, fmt::format("\"{}\" {}", row.key, ok.error().text));
        } else if (has_number_elements(row.type)) {
            numbers.push_back(std::get<std::uint64_t>(*element));
        } else {
            texts.push_back(std::get<std::string>(*element));
        }
    }
    if (bad) return std::nullopt;
    return has_number_elements(row.type) ? OptionValue(std::move(numbers)) : OptionValue(std::move(texts));
}

std::optional<OptionValue> Applier::apply_value(const OptionRow& row, const ConfigNode& node, const Where& where) {
    if (is_list(row.type) && node.kind == NodeKind::list) return apply_list(row, node, where);
    Result<OptionValue> value =
        is_list(row.type) ? Error{Errc::invalid, 0, fmt::format("must be {}, not {}", wanted(row.type), found(node))}
                          : parse_scalar(row, node);
    if (value) return std::move(value).value();
    error(node, where.scope, fmt::format("\"{}\" {}", row.key, value.error().text));
    return std::nullopt;
}

void Applier::apply_row(const OptionRow& row, const ConfigNode& node, void* options, const Where& where) {
    origins_[where.path] = {node.file, node.key_line, node.key_column};
    if (row.type == OptionType::group) return apply_group(row, node, options, where);
    if (row.type == OptionType::tables) return apply_tables(row, node, options, where);
    const auto value = apply_value(row, node, where);
    if (!value) return;
    if (Status ok = check_value(row, *value); !ok)
        return error(node, where.scope, fmt::format("\"{}\" {}", row.key, ok.error().text));
    row.set(options, *value);
}

} // namespace posada::service
