// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/options.h"

#include <charconv>

#include "common/base/text.h"
#include "common/service/config/config.h"

namespace posada::ftpd {

namespace {

using namespace posada::service;

constexpr std::size_t max_banner = 200;
constexpr std::uint64_t first_unprivileged_port = 1024;

constexpr std::string_view partial_words[] = {"keep", "remove"};

constexpr OptionRow passive_rows[] = {
    required(network_list<&PassiveRule::clients>("clients", "Networks of the clients.")),
    required(text<&PassiveRule::address>("address", "The IPv4 address that PASV tells them, such as a router's.")),
};
constexpr Schema passive_schema{passive_rows};

constexpr OptionRow rows[] = {
    text<&FtpOptions::banner>("banner", "Text of the greeting."),
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

std::optional<std::uint32_t> parse_umask(const std::string& octal) {
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

void check(const void* untyped, SectionCheck& check) {
    const auto& options = *static_cast<const FtpOptions*>(untyped);
    if (has_control(options.banner)) check.error("banner", "\"banner\" must be one line without control characters");
    if (options.banner.size() > max_banner)
        check.error("banner", "\"banner\" must not be longer than " + std::to_string(max_banner) + " octets");
    if (!parse_umask(options.umask)) check.error("umask", "\"umask\" must be an octal number, such as \"022\"");
    check_passive(options, check);
}

constexpr SectionInfo info{
    "ftpd", "The FTP server.", &schema, &make_options<FtpOptions>, &builtin_listeners, &check, "posada-ftp",
};

} // namespace

const SectionInfo& FtpOptions::section() { return info; }

std::uint32_t umask_bits(const std::string& octal) { return parse_umask(octal).value_or(077); }

} // namespace posada::ftpd
