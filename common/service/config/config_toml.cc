// SPDX-License-Identifier: BSD-2-Clause
// The only file that sees toml++ (slow to compile, throws): TOML text to ConfigNode. After a syntax error the line is
// blanked and the file parsed again, so that one slip does not hide the next; but only if everything above the line is
// complete, because otherwise (an array that is never closed) each following line would be reported for nothing.
#include <stdexcept>

// The parser asserts where it should report: "[[[a]]]" is one such line. A file must not end a daemon, so an assertion
// is an exception here; it must not be an assumption, as it would be with NDEBUG.
#undef NDEBUG
namespace {
struct ParserAssertion final : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return "this is not TOML"; }
};
[[noreturn]] void parser_assertion_failed() { throw ParserAssertion(); }
} // namespace
#define TOML_ASSERT(expression)                                                                                        \
    do {                                                                                                               \
        if (!(expression)) parser_assertion_failed();                                                                  \
    } while (false)
#define TOML_MAX_NESTED_VALUES 16
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/text.h"
#include "common/service/config/config_tree.h"

namespace posada::service {

namespace {

constexpr unsigned most_syntax_errors = 20;

struct SyntaxError {
    unsigned line = 0;
    unsigned column = 0;
    std::string text; // as toml++ says it
};

struct Parsed {
    toml::table table;
    std::optional<SyntaxError> error;
};

// Throws what toml++ throws.
std::optional<SyntaxError> parse_into(toml::table& table, std::string_view text) {
    try {
        table = toml::parse(text);
    } catch (const toml::parse_error& e) {
        return SyntaxError{e.source().begin.line, e.source().begin.column, std::string(e.description())};
    }
    return std::nullopt;
}

bool asserts(std::string_view text) {
    try {
        toml::table ignored;
        parse_into(ignored, text);
    } catch (const std::exception&) {
        return true;
    }
    return false;
}

// An assertion has no place: it is in the first line whose addition makes the parser fail.
unsigned asserting_line(std::string_view text) {
    std::vector<std::size_t> ends; // of line n + 1
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\n') ends.push_back(i + 1);
    std::size_t low = 0;
    std::size_t high = ends.size();
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (asserts(text.substr(0, ends[middle]))) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return static_cast<unsigned>(low + 1);
}

Parsed parse_text(std::string_view text) {
    Parsed out;
    try {
        out.error = parse_into(out.table, text);
    } catch (const std::exception& e) {
        out.error = SyntaxError{asserting_line(text), 1, e.what()};
    }
    return out;
}

// ---- toml++ nodes to ours

std::string other_kind(const toml::node& node) {
    return node.is_floating_point() ? "a number with a fraction" : "a date or time";
}

void convert(const toml::node& from, ConfigNode& to);

void convert_table(const toml::table& from, ConfigNode& to) {
    to.kind = NodeKind::table;
    for (const auto& [key, value] : from) {
        ConfigNode& child = to.children.emplace_back();
        child.file = to.file;
        child.key = std::string(key.str());
        child.key_line = key.source().begin.line;
        child.key_column = key.source().begin.column;
        convert(value, child);
    }
    std::stable_sort(to.children.begin(), to.children.end(), [](const ConfigNode& a, const ConfigNode& b) {
        return std::pair(a.key_line, a.key_column) < std::pair(b.key_line, b.key_column);
    });
}

void convert_list(const toml::array& from, ConfigNode& to) {
    to.kind = NodeKind::list;
    for (const toml::node& element : from) {
        ConfigNode& child = to.children.emplace_back();
        child.file = to.file;
        convert(element, child);
        child.key_line = child.line;
        child.key_column = child.column;
    }
}

void convert(const toml::node& from, ConfigNode& to) {
    to.line = from.source().begin.line;
    to.column = from.source().begin.column;
    if (const auto* table = from.as_table()) return convert_table(*table, to);
    if (const auto* list = from.as_array()) return convert_list(*list, to);
    if (const auto* text = from.as_string()) {
        to.kind = NodeKind::text;
        to.text = text->get();
    } else if (const auto* boolean = from.as_boolean()) {
        to.kind = NodeKind::boolean;
        to.boolean = boolean->get();
    } else if (const auto* integer = from.as_integer()) {
        to.kind = NodeKind::integer;
        to.integer = integer->get();
    } else {
        to.kind = NodeKind::other;
        to.text = other_kind(from);
    }
}

// ---- syntax errors in an administrator's words

// {"smtpd", "queue"} of "[smtpd.queue]"; the closing bracket may be missing.
std::vector<std::string> keys_of_header(std::string_view line) {
    line.remove_prefix(std::min(line.find_first_not_of('['), line.size()));
    std::vector<std::string> keys;
    for (const std::string_view key : split(line.substr(0, line.find_first_of("]#=")), '.'))
        keys.emplace_back(trim(key));
    return keys;
}

// The keys of the header that line n stands under, or is.
std::vector<std::string> section_of_line(const ConfigFile& file, unsigned n) {
    std::string_view header;
    std::string_view rest = file.text;
    for (; n > 0 && !rest.empty(); --n) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
        const std::string_view line = trim(rest.substr(0, end));
        if (line.starts_with('[')) header = line;
        rest.remove_prefix(end + 1);
    }
    return header.empty() ? std::vector<std::string>{} : keys_of_header(header);
}

std::string first_definition(const ConfigNode& root, const ConfigFile& file, const SyntaxError& error) {
    const std::string_view line = trim(file.line(error.line));
    std::vector<std::string> keys = section_of_line(file, line.starts_with('[') ? error.line : error.line - 1);
    if (!line.starts_with('[')) keys.emplace_back(trim(line.substr(0, line.find('='))));
    const ConfigNode* at = &root;
    for (const std::string& key : keys) {
        if (at->kind == NodeKind::list && !at->children.empty()) at = &at->children.back();
        at = at->find(key);
        if (at == nullptr) return "this is written twice";
    }
    return fmt::format("{} is written twice; the first is at {}:{}:{}",
                       line.starts_with('[') ? "this section" : fmt::format("\"{}\"", escape_for_log(keys.back())),
                       file.name, at->key_line, at->key_column);
}

std::string in_our_words(const ConfigNode& root, const ConfigFile& file, const SyntaxError& error) {
    const std::string_view text = error.text;
    const auto says = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
    const std::string_view line = file.line(error.line);
    if (says("cannot redefine existing")) return first_definition(root, file, error);
    if (says("control characters other than TAB") && error.column > line.size()) return "the text has no closing quote";
    if (says("could not determine value type")) return "this is not a value; text needs quotes";
    if (says("exceeded maximum nested")) return fmt::format("nested deeper than {} levels", TOML_MAX_NESTED_VALUES);
    if (says("expected value, saw '\\n'") || says("expected value, saw '\\r'")) return "the value is missing";
    if (!says("Error while parsing")) return error.text;
    constexpr std::string_view prefix = "Error while parsing ";
    const std::string rest(text.substr(text.find(prefix) + prefix.size()));
    return "syntax: " + (has_control(rest) ? escape_for_log(rest) : rest);
}

// ---- going on after an error

struct LineSpan {
    std::size_t begin = 0;
    std::size_t end = 0;
};

LineSpan span_of_line(std::string_view text, unsigned number) {
    LineSpan out;
    for (; number > 1; --number) {
        const std::size_t end = text.find('\n', out.begin);
        if (end == std::string_view::npos) return {text.size(), text.size()};
        out.begin = end + 1;
    }
    out.end = std::min(text.find('\n', out.begin), text.size());
    return out;
}

// Blanks the line of the error; with a header also what belongs to it. False when going on makes no sense.
bool blank_line(std::string& text, unsigned number) {
    LineSpan span = span_of_line(text, number);
    if (number == 0 || parse_text(std::string_view(text).substr(0, span.begin)).error) return false;
    const std::string_view line = trim(std::string_view(text).substr(span.begin, span.end - span.begin));
    if (line.empty()) return false;
    if (line.front() == '[') span.end = std::min(text.find("\n[", span.end), text.size());
    for (std::size_t i = span.begin; i < span.end; ++i)
        if (text[i] != '\n') text[i] = ' ';
    return true;
}

std::string scope_of_line(const ConfigFile& file, unsigned line, const std::vector<std::string_view>& daemons) {
    const auto keys = section_of_line(file, line);
    return keys.empty() ? "" : error_scope(keys.front(), daemons);
}

} // namespace

ConfigNode parse_toml(const ConfigFile& file, const std::vector<std::string_view>& daemons, ErrorList& errors) {
    ConfigNode root;
    root.file = &file;
    if (const auto bad = find_hostile(file.text)) {
        errors.add(file, bad->line, bad->column, "", bad->text);
        return root;
    }
    std::string text = file.text;
    std::vector<SyntaxError> slips;
    Parsed parsed = parse_text(text);
    bool complete = true;
    while (parsed.error) {
        slips.push_back(*parsed.error);
        complete = slips.size() < most_syntax_errors && blank_line(text, parsed.error->line) &&
                   !find_hostile(text); // a blanked quote may have hidden something
        if (!complete) break;
        parsed = parse_text(text);
    }
    convert_table(parsed.table, root);
    for (std::size_t i = 0; i < slips.size(); ++i) {
        const bool rest_unread = !complete && i + 1 == slips.size();
        errors.add(file, slips[i].line, slips[i].column, rest_unread ? "" : scope_of_line(file, slips[i].line, daemons),
                   in_our_words(root, file, slips[i]));
    }
    return root;
}

} // namespace posada::service
