// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/config/options.h"

namespace posada::service {

namespace {

constexpr OptionRow path_rows[] = {
    path<&PathOptions::state_dir>("state_dir", "Where the spool and the mail of virtual users live."),
    path<&PathOptions::run_dir>("run_dir", "Sockets and the shared table of limits."),
    path<&PathOptions::users_file>("users_file", "Accounts of posada's own; see posada-users(5)."),
    path<&PathOptions::mail_root>("mail_root", "Mailboxes of virtual users, DOMAIN/USER/Maildir below it; empty: "
                                               "mail in state_dir."),
};
constexpr Schema path_schema{path_rows};

constexpr OptionRow certificate_rows[] = {
    required(path<&CertificateFiles::chain>("chain", "Certificate and intermediates, PEM.")),
    required(path<&CertificateFiles::key>("key", "Private key, PEM.")),
};
constexpr Schema certificate_schema{certificate_rows};

constexpr OptionRow tls_rows[] = {
    path<&TlsOptions::chain>("chain", "Default certificate and its intermediates, PEM; empty: no TLS."),
    path<&TlsOptions::key>("key", "Its private key, PEM; read by root only."),
    boolean<&TlsOptions::signer>(
        "signer", "Private keys stay in a process that only signs handshakes: who takes over a process that talks to "
                  "clients does not get them. It makes a full TLS handshake 10 to 30 % dearer, a resumed one not. "
                  "false: each such process has the keys; old devices can use RSA key exchange (tls = \"legacy\")."),
    duration<&TlsOptions::sign_timeout>("sign_timeout", Seconds(1), Seconds(60),
                                        "How long a handshake waits for its signature: it takes milliseconds, but many "
                                        "may stand before it. Then the handshake fails."),
    tables<&TlsOptions::certificates>("certificates", certificate_schema,
                                      "Further certificates, chosen by the name the client asks for (SNI)."),
};
constexpr Schema tls_schema{tls_rows};

constexpr std::string_view backend_words[] = {"users", "pam"};

constexpr OptionRow auth_rows[] = {
    text_list<&AuthOptions::backends>("backends", "Where passwords are checked, in this order.", backend_words),
    boolean<&AuthOptions::scram>("scram", "Offer SCRAM-SHA-256. Only where every account has a verifier in the users "
                                          "file: many clients do not fall back to PLAIN."),
    boolean<&AuthOptions::channel_binding>("channel_binding",
                                           "With scram: offer SCRAM-SHA-256-PLUS too, over TLS 1.3. Mutt and other "
                                           "clients choose it, cannot bind, and do not fall back."),
    integer<&AuthOptions::max_attempts>("max_attempts", 1, 100, "Refused logins that close a connection."),
    duration<&AuthOptions::deadline>(
        "deadline", Seconds(1), Seconds(300),
        "Time for one password check, and before that for a free worker; then the login fails for now."),
    integer<&AuthOptions::workers>(
        "workers", 0, 10'000,
        "Password checks at once of one daemon, the others wait; 0: four per processor core. Under "
        "inetd each connection is a daemon of its own: there the section limits bounds them."),
    duration_list<&AuthOptions::delays>("delays", "Wait before the answer to the 1st, 2nd ... refused login of a "
                                                  "source, whichever daemon refuses; the last stays."),
    network_list<&AuthOptions::exempt>("exempt", "Sources that are never delayed or penalised for refused logins."),
    range<&AuthOptions::virtual_uids>("virtual_uids", 1'000, 4'000'000'000,
                                      "Uids that \"posada user add\" gives to users without a Unix account."),
    integer<&AuthOptions::first_valid_uid>("first_valid_uid", 1, 4'000'000'000,
                                           "Unix accounts with a lower uid cannot log in and get no mail."),
};
constexpr Schema auth_schema{auth_rows};

constexpr OptionRow limit_rows[] = {
    integer<&LimitConfig::total>("total", 1, 1'000'000, "Connections to all daemons together."),
    integer<&LimitConfig::per_service>("per_service", 1, 1'000'000, "Connections to one daemon."),
    integer<&LimitConfig::per_source>("per_source", 1, 1'000'000, "Connections from one IPv4 address or IPv6 /64."),
    duration<&LimitConfig::penalty_start>("penalty_start", Millis(100), Seconds(86'400),
                                          "How long a source is refused after it crashed a process; doubles."),
    duration<&LimitConfig::penalty_max>("penalty_max", Millis(100), Seconds(86'400), "The longest penalty."),
};
constexpr Schema limit_schema{limit_rows};

constexpr std::string_view target_words[] = {"auto", "stderr", "syslog", "journal"};
constexpr std::string_view level_words[] = {"debug", "info", "notice", "warning", "error"};

constexpr OptionRow log_rows[] = {
    choice<&LogOptions::target>("target", target_words,
                                "auto: the journal when started by systemd, else standard error."),
    choice<&LogOptions::level>("level", level_words, "The least important events that are logged."),
};
constexpr Schema log_schema{log_rows};

constexpr OptionRow mail_rows[] = {
    text_list<&MailOptions::domains>("domains", "Domains whose mail is delivered here; empty: the host name."),
};
constexpr Schema mail_rows_schema{mail_rows};

constexpr std::uint64_t largest_quota = 1ULL << 50;
constexpr std::string_view over_quota_words[] = {"defer", "reject"};

constexpr OptionRow mailbox_rows[] = {
    size<&MailboxOptions::quota>("quota", 0, largest_quota,
                                 "Mail a user may keep, all folders together; 0: any amount. A user's own limit is in "
                                 "posada-users(5)."),
    integer<&MailboxOptions::quota_messages>("quota_messages", 0, 1'000'000'000,
                                             "Messages a user may keep; 0: any number."),
    choice<&MailboxOptions::over_quota>("over_quota", over_quota_words,
                                        "Mail for a full mailbox. defer: it waits in the queue and clients hear 452; "
                                        "reject: it goes back to its sender and clients hear 552."),
};
constexpr Schema mailbox_schema{mailbox_rows};

constexpr OptionRow common_rows[] = {
    integer<&CommonOptions::config_version>("config_version", 1, 1'000,
                                            "Version of this format; this program understands 1."),
    text<&CommonOptions::hostname>("hostname", "Name in greetings and Received fields; empty: the system's."),
    integer<&CommonOptions::uid_base>("uid_base", 0, 4'000'000'000,
                                      "0: net programs run as the accounts _posada-*; else as uids from here on, for a "
                                      "host without these accounts."),
    group<&CommonOptions::paths>("paths", path_schema, "Directories and files."),
    group<&CommonOptions::tls>("tls", tls_schema, "Certificates; read again when a file changes."),
    group<&CommonOptions::auth>("auth", auth_schema, "Logins."),
    group<&CommonOptions::limits>("limits", limit_schema, "How many connections, and from whom."),
    group<&CommonOptions::log>("log", log_schema, "Where the log goes."),
    group<&CommonOptions::mail>("mail", mail_rows_schema, "What mail is local."),
    group<&CommonOptions::mailbox>("mailbox", mailbox_schema, "How much mail a user may keep."),
};
constexpr Schema common_rows_schema{common_rows};

constexpr std::string_view tls_words[] = {"none", "starttls", "implicit", "legacy"};
constexpr std::string_view plaintext_words[] = {"never", "loopback", "private", "any"};
constexpr std::string_view sandbox_words[] = {"enforce", "log", "off"};

constexpr OptionRow listener_rows[] = {
    required(text<&Listener::name>("name", "Name in logs.")),
    address_list<&Listener::addresses>("address", "Where to listen; \"*\" is every address."),
    required(integer<&Listener::port>("port", 1, 65'535, "TCP port.")),
    choice<&Listener::tls>("tls", tls_words,
                           "starttls: on request; implicit: from the first byte; legacy: starttls with TLS 1.0 and old "
                           "ciphers, on private addresses only."),
    boolean<&Listener::auth>("auth", "SMTP only: a submission listener, where clients log in."),
    choice<&Listener::plaintext_auth>("plaintext_auth", plaintext_words,
                                      "Who may log in without TLS here; default: the section's."),
    boolean<&Listener::trusted>("trusted", "SMTP only: line ends without carriage return are accepted from old "
                                           "devices; private addresses only."),
    text<&Listener::fd_name>("fd_name", "Name of the socket in LISTEN_FDNAMES; empty: name."),
    network_list<&Listener::proxy_from>("proxy_from", "Proxies: a connection from here must start with a PROXY header "
                                                      "(version 1 or 2), and counts as the client's that it names."),
    duration<&Listener::proxy_timeout>("proxy_timeout", Millis(100), Seconds(60), "Time for that header to come."),
};
constexpr Schema listener_schema{listener_rows};

constexpr OptionRow service_rows[] = {
    boolean<&ServiceOptions::enabled>("enabled", "posadad starts this service."),
    choice<&ServiceOptions::sandbox>("sandbox", sandbox_words,
                                     "log: what the sandbox would refuse is logged and allowed; for diagnosis."),
    boolean<&ServiceOptions::transcript>("transcript", "Log the dialog as it is spoken, secrets masked."),
    duration<&ServiceOptions::stop_grace>(
        "stop_grace", Millis(100), Seconds(600),
        "Time for sessions, and agents at work, to end when the service stops; then they "
        "are killed. Keep it below TimeoutStopSec of the unit."),
    choice<&ServiceOptions::plaintext_auth>("plaintext_auth", plaintext_words,
                                            "Clients that may send a password without TLS."),
    tables<&ServiceOptions::listen>("listen", listener_schema, "Listeners; any entry replaces the built-in list."),
};
constexpr Schema service_rows_schema{service_rows};

} // namespace

std::vector<CertificateFiles> TlsOptions::all() const {
    std::vector<CertificateFiles> out;
    if (!chain.empty()) out.push_back({chain, key});
    out.insert(out.end(), certificates.begin(), certificates.end());
    return out;
}

const Schema& common_schema() { return common_rows_schema; }
const Schema& service_schema() { return service_rows_schema; }
const Schema& mail_schema() { return mail_rows_schema; }

} // namespace posada::service
