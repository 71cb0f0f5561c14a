// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/netrc.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

#include "common/base/text.h"

namespace posada::ftp {

constexpr std::size_t max_netrc = 1024 * 1024;

namespace {

class Parser {
  public:
    explicit Parser(std::string_view text) : rest_(text) {}

    Result<std::vector<NetrcEntry>> run() {
        for (std::string word = next(); !word.empty(); word = next())
            if (!take(word)) return Error{Errc::invalid, 0, ".netrc: what is " + visible(word) + "?"};
        return std::move(entries_);
    }

  private:
    // A word, or what stands between quotes; a backslash keeps the next octet.
    std::string next() {
        const std::size_t begin = rest_.find_first_not_of(" \t\r\n,");
        rest_.remove_prefix(std::min(begin, rest_.size()));
        const bool quoted = rest_.starts_with('"');
        if (quoted) rest_.remove_prefix(1);
        const std::string_view ends = quoted ? "\"" : " \t\r\n,";
        std::string out;
        for (; !rest_.empty() && ends.find(rest_[0]) == std::string_view::npos; rest_.remove_prefix(1)) {
            if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            out += rest_[0];
        }
        if (quoted && !rest_.empty()) rest_.remove_prefix(1);
        return out;
    }

    bool take(const std::string& word) {
        if (word == "machine" || word == "default") {
            entries_.emplace_back();
            if (word == "machine") entries_.back().host = next();
            return word == "default" || !entries_.back().host.empty();
        }
        if (entries_.empty()) return false;
        NetrcEntry& entry = entries_.back();
        if (word == "login")
            entry.login.user = next();
        else if (word == "password")
            entry.login.password = next();
        else if (word == "account")
            entry.login.account = next();
        else if (word == "macdef")
            take_macro(entry);
        else
            return false;
        return true;
    }

    void take_macro(NetrcEntry& entry) {
        std::vector<std::string>& lines = entry.macros[next()];
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        if (!rest_.empty()) rest_.remove_prefix(1);
        while (!rest_.empty()) {
            const std::size_t end = std::min(rest_.find('\n'), rest_.size());
            const std::string_view line = trim(rest_.substr(0, end));
            rest_.remove_prefix(std::min(end + 1, rest_.size()));
            if (line.empty()) return;
            lines.emplace_back(line);
        }
    }

    std::string_view rest_;
    std::vector<NetrcEntry> entries_;
};

bool has_password(const std::vector<NetrcEntry>& entries) {
    for (const NetrcEntry& entry : entries)
        if (entry.login.password && entry.login.user != "anonymous") return true;
    return false;
}

std::string netrc_path() {
    if (const char* named = ::getenv("NETRC"); named != nullptr) return named;
    const char* home = ::getenv("HOME");
    return std::string(home == nullptr ? "" : home) + "/.netrc";
}

} // namespace

Result<std::vector<NetrcEntry>> parse_netrc(std::string_view text) { return Parser(text).run(); }

const NetrcEntry* find_entry(const std::vector<NetrcEntry>& entries, std::string_view host, std::string_view user) {
    for (const NetrcEntry& entry : entries) {
        const bool here = entry.host.empty() || iequals(entry.host, host);
        if (here && (user.empty() || entry.login.user == user)) return &entry;
    }
    return nullptr;
}

Status add_netrc(Login& login, const std::string& host, std::map<std::string, std::vector<std::string>>* macros) {
    const std::string path = netrc_path();
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) return {};
    struct stat info {};
    if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    const auto text = read_all(file.get(), max_netrc);
    if (!text) return text.error();
    const auto entries = parse_netrc(*text);
    if (!entries) return entries.error();
    if (has_password(*entries) && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return Error{Errc::denied, EACCES, path + " has a password and others may read it; chmod 600 it"};
    const NetrcEntry* entry = find_entry(*entries, host, login.user);
    if (entry == nullptr) return {};
    if (login.user.empty()) login.user = entry->login.user;
    if (!login.password) login.password = entry->login.password;
    if (login.account.empty()) login.account = entry->login.account;
    if (macros != nullptr) *macros = entry->macros;
    return {};
}

} // namespace posada::ftp
