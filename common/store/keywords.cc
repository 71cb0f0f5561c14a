// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/keywords.h"

#include <fcntl.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/store/replace_file.h"

namespace posada::store {

namespace {

constexpr std::size_t max_file = 64 * 1024;

Error corrupt(std::string_view line) {
    return {Errc::corrupt, 0, std::string(keywords_name) + ": not a line: '" + escape_for_log(line) + "'"};
}

} // namespace

bool is_keyword(std::string_view text) noexcept {
    const auto allowed = [](char c) {
        return c > 0x20 && c < 0x7f && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
    };
    return !text.empty() && text.size() <= max_keyword && std::all_of(text.begin(), text.end(), allowed);
}

Result<Keywords> Keywords::load(const Maildir& maildir) {
    const UniqueFd fd(::openat(maildir.root(), keywords_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid() && errno == ENOENT) return Keywords();
    if (!fd.valid()) return errno_error(keywords_name);
    const auto text = read_all(fd.get(), max_file);
    if (!text) return text.error();
    return parse(*text);
}

Result<Keywords> Keywords::parse(std::string_view text) {
    Keywords out;
    for (const std::string_view line : split(text, '\n')) {
        if (line.empty()) continue;
        const std::size_t space = std::min(line.find(' '), line.size());
        const auto number = parse_uint(line.substr(0, space));
        const std::string_view name = line.substr(std::min(space + 1, line.size()));
        if (!number || *number >= max_keywords || !is_keyword(name)) return corrupt(line);
        if (!out.names_[*number].empty() || out.letter(name)) return corrupt(line);
        out.names_[*number] = name;
    }
    return out;
}

std::string_view Keywords::name(char letter) const {
    return letter >= 'a' && letter <= 'z' ? std::string_view(names_[static_cast<std::size_t>(letter - 'a')]) : "";
}

std::optional<char> Keywords::letter(std::string_view name) const {
    if (name.empty()) return std::nullopt;
    const auto found = std::find_if(names_.begin(), names_.end(), [&](const auto& n) { return iequals(n, name); });
    if (found == names_.end()) return std::nullopt;
    return static_cast<char>('a' + (found - names_.begin()));
}

Result<char> Keywords::add(std::string_view name) {
    if (!is_keyword(name)) return Error{Errc::invalid, 0, "not a keyword: '" + escape_for_log(name) + "'"};
    if (const auto known = letter(name)) return *known;
    const auto free = std::find(names_.begin(), names_.end(), std::string());
    if (free == names_.end()) return Error{Errc::limit, 0, "a folder has at most 26 keywords"};
    *free = name;
    return static_cast<char>('a' + (free - names_.begin()));
}

Status Keywords::write(const Maildir& maildir, const UidlistLock&) const {
    std::string text;
    for (std::size_t i = 0; i < names_.size(); ++i)
        if (!names_[i].empty()) text += std::to_string(i) + " " + names_[i] + "\n";
    const auto written = replace_file(maildir, keywords_name, text, FileSync::yes);
    if (!written) return written.error();
    return {};
}

} // namespace posada::store
