// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/check_findings.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "common/auth/users_file.h"
#include "common/base/text.h"
#include "common/io/addr.h"
#include "common/io/tls.h"

namespace posada::ctl {

namespace {

using service::Listener;
using service::Settings;

constexpr std::size_t largest_pem = 1U << 20;
constexpr UnixTime soon = 14 * 86'400;

class Findings {
  public:
    explicit Findings(const Settings& settings) : settings_(settings) {}
    void error(std::string where, std::string text) { list.push_back({true, std::move(where), std::move(text)}); }
    void warning(std::string where, std::string text) { list.push_back({false, std::move(where), std::move(text)}); }
    // Where the key stands, or its name if it has its default.
    [[nodiscard]] std::string place(const std::string& path) const {
        const service::Position* at = settings_.origin(path);
        return at == nullptr ? path : at->text();
    }
    std::vector<Finding> list;

  private:
    const Settings& settings_;
};

// ---- certificates

void check_dates(const io::CertificateInfo& info, UnixTime now, const std::string& where, Findings& findings) {
    if (info.not_after < now)
        findings.error(where, fmt::format("the certificate of {} ended {}", info.subject, iso8601(info.not_after)));
    else if (info.not_after < now + soon)
        findings.warning(where, fmt::format("the certificate of {} ends {}", info.subject, iso8601(info.not_after)));
    if (info.not_before > now)
        findings.error(where,
                       fmt::format("the certificate of {} begins only {}", info.subject, iso8601(info.not_before)));
}

bool covers(const io::CertificateInfo& info, std::string_view host) {
    const std::string name = ascii_lower(host);
    const std::size_t dot = name.find('.');
    const std::string wildcard = dot == std::string::npos ? "" : "*" + name.substr(dot);
    return std::any_of(info.names.begin(), info.names.end(),
                       [&](const std::string& has) { return has == name || has == wildcard; });
}

void check_key_mode(const std::string& file, Findings& findings) {
    struct stat info {};
    if (::stat(file.c_str(), &info) == 0 && (info.st_mode & (S_IROTH | S_IWOTH)) != 0)
        findings.error(file, fmt::format("everybody may read this private key; run: chmod 600 {}", file));
}

// nullopt: what is wrong has been said.
std::optional<io::CertificateInfo> check_pair(const service::CertificateFiles& files, const std::string& path,
                                              Findings& findings) {
    const auto chain = read_file(files.chain, largest_pem);
    const auto key = read_file(files.key, largest_pem);
    if (!chain) findings.error(findings.place(path + ".chain"), chain.error().describe());
    if (!key) findings.error(findings.place(path + ".key"), key.error().describe());
    if (!chain || !key) return std::nullopt;
    check_key_mode(files.key, findings);
    if (const Status fits = io::check_certificate({*chain, *key}); !fits) {
        findings.error(findings.place(path + ".chain"),
                       fmt::format("{} and {}: {}", files.chain, files.key, fits.error().describe()));
        return std::nullopt;
    }
    auto info = io::inspect_certificate(*chain);
    if (!info) findings.error(files.chain, info.error().describe());
    return info ? std::optional(std::move(*info)) : std::nullopt;
}

void check_certificates(const service::CommonOptions& common, UnixTime now, Findings& findings) {
    const auto all = common.tls.all();
    const bool has_default = !common.tls.chain.empty();
    bool named = all.empty();
    bool readable = true;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string path =
            has_default && i == 0 ? "tls" : fmt::format("tls.certificates[{}]", i - (has_default ? 1 : 0));
        const auto info = check_pair(all[i], path, findings);
        readable = readable && info;
        if (!info) continue;
        check_dates(*info, now, all[i].chain, findings);
        named = named || covers(*info, common.hostname);
    }
    if (!named && readable)
        findings.warning(
            findings.place("tls.chain"),
            fmt::format("no certificate is for the host name {}: clients that verify will refuse it", common.hostname));
    if (all.empty())
        findings.warning("tls", "no certificate is configured: nothing is encrypted, and passwords are taken from "
                                "loopback only unless plaintext_auth says otherwise");
}

// ---- accounts

void check_users(const service::CommonOptions& common, Findings& findings) {
    const auto& backends = common.auth.backends;
    if (std::find(backends.begin(), backends.end(), "users") == backends.end()) return;
    const std::string& file = common.paths.users_file;
    const auto users = auth::UsersFile::load(file);
    if (!users) return findings.error(file, users.error().describe());
    for (const auth::UsersFileError& mistake : users->errors()) findings.error(mistake.text, "this line is not used");
    if (users->entries().empty() && backends.size() == 1)
        findings.warning(file, "there is no user; run: posada user add NAME");
    if (common.auth.scram && !users->entries().empty() && !users->all_have_scram())
        findings.error(findings.place("auth.scram"),
                       "a user has no SCRAM verifier; set the password again with: posada user passwd NAME");
}

void check_pam(const std::vector<Settings>& settings, const std::string& directory, Findings& findings) {
    const auto& backends = settings.front().common().auth.backends;
    if (directory.empty() || std::find(backends.begin(), backends.end(), "pam") == backends.end()) return;
    for (const Settings& one : settings) {
        if (!one.service().enabled) continue;
        const std::string file =
            fmt::format("{}/posada-{}", directory, one.section().name == "pop3d" ? "pop3" : "smtp");
        if (::access(file.c_str(), R_OK) != 0)
            findings.warning(file, "is missing: PAM refuses every login of this service");
    }
}

// ---- addresses

// Binding to port 0 asks for the address only: the port itself may well be ours already.
bool is_on_this_machine(const io::Address& address) {
    const UniqueFd fd(::socket(address.sa()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return !fd.valid() || ::bind(fd.get(), address.sa(), address.size()) == 0 || errno != EADDRNOTAVAIL;
}

void check_addresses(const Settings& settings, Findings& findings) {
    const std::string section(settings.section().name);
    for (std::size_t i = 0; i < settings.service().listen.size(); ++i)
        for (const std::string& text : settings.service().listen[i].addresses) {
            const auto address = io::Address::parse(text, 0);
            if (address && !is_on_this_machine(*address))
                findings.error(findings.place(fmt::format("{}.listen[{}].address", section, i)),
                               fmt::format("{} is not an address of this machine", text));
        }
}

bool collide(const Listener& a, const Listener& b) {
    if (a.port != b.port) return false;
    return std::any_of(a.addresses.begin(), a.addresses.end(), [&](const std::string& x) {
        return std::any_of(b.addresses.begin(), b.addresses.end(),
                           [&](const std::string& y) { return x == y || x == "*" || y == "*"; });
    });
}

void check_ports_of_two(const Settings& a, const Settings& b, Findings& findings) {
    for (const Listener& x : a.listeners())
        for (const Listener& y : b.listeners())
            if (collide(x, y))
                findings.error(findings.place(std::string(b.section().name)),
                               fmt::format("listener {} of {} and listener {} of {} both want port {}", x.name,
                                           a.section().name, y.name, b.section().name, y.port));
}

void check_state_directory(const service::PathOptions& paths, Findings& findings) {
    struct stat info {};
    if (::stat(paths.state_dir.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
        findings.warning(findings.place("paths.state_dir"), fmt::format("{} is not a directory yet", paths.state_dir));
}

} // namespace

std::vector<Finding> find_problems(const std::vector<Settings>& settings, UnixTime now,
                                   const std::string& pam_directory) {
    if (settings.empty()) return {};
    Findings findings(settings.front());
    const service::CommonOptions& common = settings.front().common();
    check_state_directory(common.paths, findings);
    check_certificates(common, now, findings);
    check_users(common, findings);
    check_pam(settings, pam_directory, findings);
    for (std::size_t i = 0; i < settings.size(); ++i) {
        check_addresses(settings[i], findings);
        for (std::size_t j = 0; j < i; ++j)
            if (settings[i].service().enabled && settings[j].service().enabled)
                check_ports_of_two(settings[j], settings[i], findings);
    }
    return std::move(findings.list);
}

} // namespace posada::ctl
