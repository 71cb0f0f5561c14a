// SPDX-License-Identifier: BSD-2-Clause
// How mistakes are collected and shown, and the guess at what was meant.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/service/config/config_tree.h"

namespace posada::service {

namespace {

constexpr std::size_t most_errors = 200;
constexpr std::size_t excerpt_width = 120;

// Characters, not octets: columns count characters. Controls become '?', so that a file cannot drive the terminal.
struct Excerpt {
    std::string line;
    std::string indent; // up to the caret; keeps tabs
};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

Excerpt make_excerpt(std::string_view line, unsigned column) {
    Excerpt out;
    unsigned at = 0;
    for (const char c : line) {
        if (!is_continuation(c)) ++at;
        if (out.line.size() >= excerpt_width && !is_continuation(c)) break;
        out.line.push_back(c == '\t' || !has_control(std::string_view(&c, 1)) ? c : '?');
        if (at < column && !is_continuation(c)) out.indent.push_back(c == '\t' ? '\t' : ' ');
    }
    while (at + 1 < column && at < excerpt_width && ++at != 0) out.indent.push_back(' ');
    return out;
}

bool same_letters(std::string_view a, std::string_view b) {
    std::string x(a);
    std::string y(b);
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    return x == y;
}

} // namespace

std::string_view ConfigFile::line(unsigned n) const {
    std::string_view rest = text;
    for (; n > 1; --n) {
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) return {};
        rest.remove_prefix(end + 1);
    }
    rest = rest.substr(0, rest.find('\n'));
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    return n == 1 ? rest : std::string_view{};
}

const ConfigNode* ConfigNode::find(std::string_view wanted) const {
    for (const ConfigNode& child : children)
        if (child.key == wanted) return &child;
    return nullptr;
}

bool ConfigNode::is_list_of_tables() const {
    return kind == NodeKind::list && !children.empty() &&
           std::all_of(children.begin(), children.end(),
                       [](const ConfigNode& child) { return child.kind == NodeKind::table; });
}

std::string Position::text() const { return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column); }

std::string ConfigError::text() const {
    std::string out = fmt::format("{}: {}", at.text(), message);
    if (at.line == 0 || excerpt.empty()) return out;
    const Excerpt shown = make_excerpt(excerpt, at.column);
    return out + fmt::format("\n{:>6} | {}\n       | {}^", at.line, shown.line, shown.indent);
}

std::string errors_text(const std::vector<ConfigError>& errors) {
    std::string out;
    for (const ConfigError& error : errors) out.append(error.text()).append("\n");
    return out;
}

void log_rejected(std::string_view service, std::string_view errors) {
    for (const std::string_view line : split(errors, '\n'))
        if (!line.empty() && line.front() != ' ')
            log(event::config_rejected, {{"service", std::string(service)}, {"error", std::string(line)}});
}

void ErrorList::add(const ConfigFile& file, unsigned line, unsigned column, std::string section, std::string message) {
    if (errors_.size() >= most_errors) {
        cut_ = true;
        return;
    }
    errors_.push_back(
        {Position{file.name, line, column}, std::move(section), std::move(message), std::string(file.line(line))});
}

void ErrorList::add(std::string file, std::string section, std::string message) {
    errors_.push_back({Position{std::move(file), 0, 0}, std::move(section), std::move(message), {}});
}

std::vector<ConfigError> ErrorList::take() {
    const auto key = [](const ConfigError& e) { return std::tie(e.at.line, e.at.column, e.message); };
    std::vector<std::string> files; // in the order of their first error, which is the order of reading
    for (const ConfigError& error : errors_)
        if (std::find(files.begin(), files.end(), error.at.file) == files.end()) files.push_back(error.at.file);
    std::vector<ConfigError> out;
    for (const std::string& file : files) {
        std::vector<ConfigError> here;
        for (ConfigError& error : errors_)
            if (error.at.file == file) here.push_back(error);
        std::stable_sort(here.begin(), here.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
        std::move(here.begin(), here.end(), std::back_inserter(out));
    }
    errors_.clear();
    // Nobody knows whom the others concern: so this one concerns everybody.
    if (cut_) out.push_back({Position{out.front().at.file, 0, 0}, "", "there are more errors than these", ""});
    return out;
}

std::string_view suggest(std::string_view wanted, const std::vector<std::string_view>& candidates) {
    for (const std::string_view candidate : candidates)
        if (same_letters(wanted, candidate)) return candidate;
    const unsigned slips = wanted.size() <= 4 ? 1 : wanted.size() <= 8 ? 2 : 3;
    return nearest(wanted, candidates, slips);
}

std::string did_you_mean(std::string_view wanted, const std::vector<std::string_view>& candidates) {
    const std::string_view guess = suggest(wanted, candidates);
    return guess.empty() ? "" : fmt::format("; did you mean \"{}\"?", guess);
}

} // namespace posada::service
