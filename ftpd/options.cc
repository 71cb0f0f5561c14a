// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/options.h"

#include <charconv>
#include <set>

#include "common/base/text.h"
#include "common/base/virtual_path.h"
#include "common/service/config/config.h"

namespace posada::ftpd {

namespace {

using namespace posada::service;

constexpr std::size_t max_banner = 200;
constexpr std::uint64_t first_unprivileged_port = 1024;
constexpr std::uint64_t most_rate = std::uint64_t{1} << 40;
constexpr std::uint64_t most_quota = std::uint64_t{1} << 60;

constexpr std::string_view partial_words[] = {"keep", "remove"};

constexpr OptionRow passive_rows[] = {
    required(network_list<&PassiveRule::clients>("clients", "Networks of the clients.")),
    required(text<&PassiveRule::address>("address", "The IPv4 address that PASV tells them, such as a router's.")),
};
constexpr Schema passive_schema{passive_rows};

constexpr OptionRow class_rows[] = {
    required(text<&ClientClass::name>("name", "Name of the class.")),
    text_list<&ClientClass::users>("users", "Accounts, anonymous among them; empty: all."),
    network_list<&ClientClass::clients>("clients", "Networks of the clients; empty: all."),
    integer<&ClientClass::max_sessions>("max_sessions", 0, 10'000, "Sessions at a time; 0: no limit of its own."),
    integer<&ClientClass::max_sessions_per_user>("max_sessions_per_user", 0, 10'000,
                                                 "Sessions of one account at a time; 0: no limit of its own."),
    size<&ClientClass::download_rate>("download_rate", 0, most_rate,
                                      "Octets in a second that one session may fetch; 0: no limit."),
    size<&ClientClass::upload_rate>("upload_rate", 0, most_rate,
                                    "Octets in a second that one session may send; 0: no limit."),
    size<&ClientClass::quota>("quota", 0, most_quota,
                              "Octets that the files below a user's directory may have; 0: no limit."),
    boolean<&ClientClass::write>("write", "Whether files and directories may be made, changed and removed."),
    path<&ClientClass::top>("top", "The directory that such a user sees, instead of the own one; %u is the account."),
    text_list<&ClientClass::welcome>("welcome", "Lines after a login, instead of those of the section."),
};
constexpr Schema class_schema{class_rows};

constexpr OptionRow upload_rows[] = {
    required(text<&UploadDirectory::path>("path", "The directory as these users see it, such as \"/incoming\".")),
    text_list<&UploadDirectory::users>("users", "Accounts."),
    text<&UploadDirectory::mode>("mode", "Permission bits, in octal, of the files that come."),
    text<&UploadDirectory::owner>("owner", "Unix account that gets the files; empty: they stay the sender's."),
    boolean<&UploadDirectory::directories>("directories", "Whether directories may be made too."),
};
constexpr Schema upload_schema{upload_rows};

constexpr OptionRow rows[] = {
    text<&FtpOptions::banner>("banner", "Text of the greeting."),
    text_list<&FtpOptions::welcome>("welcome",
                                    "Lines after a login. %T is the time, %C the directory, %R the client's address, "
                                    "%L this host, %U the account, %E admin_email, %M max_sessions of the class."),
    text<&FtpOptions::admin_email>("admin_email", "Whom people may write to: %E of welcome and .message."),
    path<&FtpOptions::transfer_log>("transfer_log",
                                    "A file that gets a line for each transfer, in the form of xferlog; "
                                    "empty: none. It may be renamed at any time."),
    duration<&FtpOptions::login_timeout>("login_timeout", Seconds(5), Seconds(3'600),
                                         "Time from connect to a successful login."),
    duration<&FtpOptions::idle_timeout>("idle_timeout", Seconds(300), Seconds(86'400),
                                        "Silence after login before the session is closed; NOOP is silence, a transfer "
                                        "is not."),
    duration<&FtpOptions::data_connect_timeout>("data_connect_timeout", Seconds(1), Seconds(600),
                                                "How long a transfer waits for its data connection."),
    duration<&FtpOptions::data_timeout>("data_timeout", Seconds(5), Seconds(86'400),
                                        "How long a transfer may stand still before it is given up."),
    duration<&FtpOptions::agent_timeout>("agent_timeout", Millis(100), Seconds(3'600),
                                         "How long the user's own process may take for one answer before the session "
                                         "is given up."),
    integer<&FtpOptions::max_bad_commands_login>("max_bad_commands_login", 1, 1'000,
                                                 "Refused commands before login that close the connection."),
    integer<&FtpOptions::max_bad_commands>("max_bad_commands", 1, 100'000,
                                           "Refused commands after login that close the connection."),
    boolean<&FtpOptions::write>("write", "Whether files and directories may be made, changed and removed."),
    text<&FtpOptions::umask>("umask", "Permission bits, in octal, that new files and directories do not get."),
    boolean<&FtpOptions::ascii>("ascii", "Whether TYPE A converts line ends; if not, files go as they are."),
    boolean<&FtpOptions::sync>("sync", "Whether an upload is on stable storage before 226 is said."),
    choice<&FtpOptions::partial_uploads>("partial_uploads", partial_words,
                                         "What becomes of a new file whose upload broke off: keep it, so that the "
                                         "client can go on (REST, APPE), or remove it. A file that was there before is "
                                         "never replaced by a part of a new one."),
    boolean<&FtpOptions::local_time>("local_time", "Whether LIST shows local time instead of UTC. MLSD and MDTM are "
                                                   "always UTC."),
    path<&FtpOptions::anonymous>("anonymous", "The directory that everybody may read from under the name anonymous, "
                                              "without a password and without TLS; empty: nobody."),
    tables<&FtpOptions::classes>("class", class_schema,
                                 "Limits and directories of kinds of users: the first class that fits counts."),
    tables<&FtpOptions::upload>("upload", upload_schema,
                                "Directories where users put files and do nothing else: no list, no reading, no "
                                "replacing, no removing."),
    boolean<&FtpOptions::active>("active", "Whether PORT and EPRT are served."),
    boolean<&FtpOptions::active_from_port_20>("active_from_port_20",
                                              "Whether active data connections come from port 20, for firewalls that "
                                              "expect it."),
    range<&FtpOptions::passive_ports>("passive_ports", first_unprivileged_port, 65'535,
                                      "Ports that PASV and EPSV listen on, for the firewall; chosen at random."),
    tables<&FtpOptions::passive>("passive", passive_schema,
                                 "Addresses for PASV behind a router; clients of other networks are told the address "
                                 "they connected to."),
    boolean<&FtpOptions::data_tls_required>("data_tls_required",
                                            "Whether transfers need PROT P where the control connection is encrypted."),
    boolean<&FtpOptions::tls_session_reuse>("tls_session_reuse",
                                            "Whether an encrypted data connection must resume the TLS session of its "
                                            "control connection; without it somebody else could take its place."),
    network_list<&FtpOptions::tls_reuse_exempt>("tls_reuse_exempt",
                                                "Networks of clients that cannot resume a TLS session."),
    text_list<&FtpOptions::tls_reuse_exempt_users>("tls_reuse_exempt_users",
                                                   "Accounts whose clients cannot resume a TLS session."),
};
constexpr Schema schema{rows};

std::vector<Listener> builtin_listeners() {
    return {make_listener("ftp", 21, TlsMode::starttls), make_listener("ftps", 990, TlsMode::implicit)};
}

std::optional<std::uint32_t> parse_octal(const std::string& octal) {
    std::uint32_t bits = 0;
    const char* end = octal.data() + octal.size();
    const auto [rest, error] = std::from_chars(octal.data(), end, bits, 8);
    if (error != std::errc() || rest != end || bits > 0777) return std::nullopt;
    return bits;
}

void check_passive(const FtpOptions& options, SectionCheck& check) {
    for (const PassiveRule& rule : options.passive) {
        const auto address = io::Address::parse(rule.address, 0);
        if (!address || address->is_ipv6())
            check.error("passive", "\"" + rule.address + "\" is no IPv4 address; write it like \"203.0.113.5\"");
    }
}

// "%u" is expanded to one component, whatever an account is called.
void check_classes(const FtpOptions& options, SectionCheck& check) {
    std::set<std::string> names;
    for (const ClientClass& one : options.classes) {
        if (!names.insert(one.name).second)
            check.error("class", "two classes are called \"" + one.name + "\"; the second would never be seen");
    }
}

void check_uploads(const FtpOptions& options, SectionCheck& check) {
    for (const UploadDirectory& one : options.upload) {
        if (one.path.size() < 2 || resolve_path("/", one.path) != one.path)
            check.error("upload", "\"" + one.path + "\" is no directory as users see it; write it like \"/incoming\"");
        if (!parse_octal(one.mode)) check.error("upload", "\"mode\" must be an octal number, such as \"0600\"");
    }
}

void check(const void* untyped, SectionCheck& check) {
    const auto& options = *static_cast<const FtpOptions*>(untyped);
    if (has_control(options.banner)) check.error("banner", "\"banner\" must be one line without control characters");
    if (options.banner.size() > max_banner)
        check.error("banner", "\"banner\" must not be longer than " + std::to_string(max_banner) + " octets");
    if (!parse_octal(options.umask)) check.error("umask", "\"umask\" must be an octal number, such as \"022\"");
    check_passive(options, check);
    check_classes(options, check);
    check_uploads(options, check);
}

constexpr SectionInfo info{
    "ftpd", "The FTP server.", &schema, &make_options<FtpOptions>, &builtin_listeners, &check, "posada-ftp",
};

} // namespace

const SectionInfo& FtpOptions::section() { return info; }

std::uint32_t umask_bits(const std::string& octal) { return parse_octal(octal).value_or(077); }
std::uint32_t mode_bits(const std::string& octal) { return parse_octal(octal).value_or(0600) & 0777; }

} // namespace posada::ftpd
