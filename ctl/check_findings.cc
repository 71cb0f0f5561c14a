// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/check_findings.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "common/auth/users_file.h"
#include "common/base/text.h"
#include "common/io/addr.h"
#include "common/io/tls.h"
#include "common/service/identity.h"

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
    [[nodiscard]] bool is_set(const std::string& path) const { return settings_.origin(path) != nullptr; }
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
    if (!users) return findings.error(findings.place("paths.users_file"), users.error().describe());
    for (const auth::UsersFileError& mistake : users->errors()) findings.error(mistake.text, "this line is not used");
    if (users->entries().empty() && backends.size() == 1)
        findings.warning(file, "there is no user; run: posada user add NAME");
    for (const auth::UserEntry& user : users->entries())
        if (common.auth.scram && !user.scram)
            findings.error(findings.place("auth.scram"),
                           fmt::format("user {0} has no SCRAM verifier; set the password again with: posada user "
                                       "passwd {0}",
                                       user.name));
}

void check_pam(const std::vector<Settings>& settings, const std::string& directory, Findings& findings) {
    const auto& backends = settings.front().common().auth.backends;
    if (directory.empty() || std::find(backends.begin(), backends.end(), "pam") == backends.end()) return;
    for (const Settings& one : settings) {
        if (!one.service().enabled) continue;
        const std::string file = fmt::format("{}/{}", directory, one.section().pam_service);
        if (::access(file.c_str(), R_OK) != 0)
            findings.warning(file, "is missing: PAM refuses every login of this service");
    }
}

// ---- addresses

// A port that is taken is no finding: it may well be ours already.
bool cannot_bind(const io::Address& address, int reason) {
    const UniqueFd fd(::socket(address.sa()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return fd.valid() && ::bind(fd.get(), address.sa(), address.size()) != 0 && errno == reason;
}

void check_addresses(const Settings& settings, Findings& findings) {
    const std::string section(settings.section().name);
    for (std::size_t i = 0; i < settings.service().listen.size(); ++i)
        for (const std::string& text : settings.service().listen[i].addresses) {
            const Listener& listener = settings.service().listen[i];
            const std::string where = findings.place(fmt::format("{}.listen[{}].address", section, i));
            const auto address = io::Address::parse(text, 0);
            if (address && cannot_bind(*address, EADDRNOTAVAIL))
                findings.error(where, fmt::format("{} is not an address of this machine", text));
            const auto exact = io::Address::parse(text, listener.port);
            if (exact && cannot_bind(*exact, EACCES))
                findings.warning(where, fmt::format("uid {} may not open port {}: start as root, or through systemd or "
                                                    "inetd, or take another port",
                                                    ::geteuid(), listener.port));
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

// ---- directories

constexpr std::uint64_t little_space = 16ULL << 20;

void check_space(const std::string& directory, const std::string& where, Findings& findings) {
    struct statvfs info {};
    if (::statvfs(directory.c_str(), &info) != 0) return;
    const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    if ((info.f_flag & ST_RDONLY) != 0)
        findings.error(where, fmt::format("{} is on a file system that is mounted read-only", directory));
    else if (free < little_space)
        findings.error(where, fmt::format("the file system of {} has {} KiB free: new mail is refused, or waits, until "
                                          "there is space",
                                          directory, free >> 10));
    else if (info.f_files != 0 && info.f_favail == 0)
        findings.error(where, fmt::format("the file system of {} has no inode free (df -i): new mail is refused, or "
                                          "waits, until there is one",
                                          directory));
}

void check_directory(const std::string& key, const std::string& directory, Findings& findings) {
    const std::string where = findings.place(key);
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0)
        return errno == ENOENT ? findings.warning(where, fmt::format("{} is not there yet", directory))
                               : findings.error(where, errno_error(directory).describe());
    if (!S_ISDIR(info.st_mode)) return findings.error(where, fmt::format("{} is not a directory", directory));
    check_space(directory, where, findings);
}

void check_directories(const service::CommonOptions& common, Findings& findings) {
    check_directory("paths.state_dir", common.paths.state_dir, findings);
    if (findings.is_set("paths.mail_root")) check_directory("paths.mail_root", common.paths.mail_root, findings);
}

// ---- the services' own accounts

void check_service_accounts(const service::CommonOptions& common, Findings& findings) {
    if (::geteuid() != 0) return;
    for (const std::string_view role : {"smtpd", "subm", "queue", "relay", "lookup", "pop3d", "ftpd", "signer"})
        if (const auto identity = service::service_identity(role, common.uid_base); !identity)
            findings.error(findings.place("uid_base"), identity.error().describe());
}

} // namespace

std::vector<Finding> find_problems(const std::vector<Settings>& settings, UnixTime now,
                                   const std::string& pam_directory) {
    if (settings.empty()) return {};
    Findings findings(settings.front());
    const service::CommonOptions& common = settings.front().common();
    check_directories(common, findings);
    check_service_accounts(common, findings);
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
