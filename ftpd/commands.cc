// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/commands.h"

#include "ftpd/session.h"

namespace posada::ftpd {

using proto::Arg;
using proto::exact_arg;
using proto::hidden;
using proto::redact;
using proto::while_busy;

namespace {
constexpr proto::StateSet any = state_start | state_named | state_ready;
constexpr proto::StateSet before = state_start | state_named;
constexpr proto::StateSet ready = state_ready;
} // namespace

struct CommandTables {
    // clang-format off
    static constexpr proto::CommandRow<Session> all[] = {
        // Who is there.
        {"USER", Arg::required, before, exact_arg, "USER name", "Says who you are.",
         "", nullptr, "RFC 959 4.1.1", &Session::on_user},
        {"PASS", Arg::optional, state_named, redact | exact_arg, "PASS password", "Logs in.",
         "", nullptr, "RFC 959 4.1.1", &Session::on_pass},
        {"ACCT", Arg::required, any, redact, "ACCT account", "Accounts are not used here.",
         "", nullptr, "RFC 959 4.1.1", &Session::on_acct},
        {"QUIT", Arg::none, any, 0, "QUIT", "Ends the session, after a transfer that runs.",
         "", nullptr, "RFC 959 4.1.1", &Session::on_quit},
        {"REIN", Arg::none, any, hidden, "REIN", "Not here: connect anew.",
         "", nullptr, "RFC 959 4.1.1", &Session::on_unimplemented},
        {"HOST", Arg::required, before, 0, "HOST name", "Says which host you mean.",
         "HOST", nullptr, "RFC 7151 3", &Session::on_host},
        {"AUTH", Arg::required, before, 0, "AUTH TLS", "Encrypts the control connection.",
         "AUTH", &Session::auth_words, "RFC 4217 4", &Session::on_auth},
        {"PBSZ", Arg::required, any, 0, "PBSZ 0", "Comes before PROT; the size is always 0.",
         "PBSZ", &Session::tls_only, "RFC 4217 8", &Session::on_pbsz},
        {"PROT", Arg::required, any, 0, "PROT P|C", "Encrypts the data connections, or not.",
         "PROT", &Session::tls_only, "RFC 4217 9", &Session::on_prot},
        {"CCC", Arg::none, any, hidden, "CCC", "Would make the control connection plain again; refused.",
         "", nullptr, "RFC 4217 5", &Session::on_ccc},
        // Where.
        {"CWD", Arg::required, ready, exact_arg, "CWD path", "Changes the directory.",
         "", nullptr, "RFC 959 4.1.1", &Session::on_cwd},
        {"XCWD", Arg::required, ready, exact_arg | hidden, "XCWD path", "CWD.", "", nullptr, "RFC 775", &Session::on_cwd},
        {"CDUP", Arg::none, ready, 0, "CDUP", "Changes to the directory above.",
         "", nullptr, "RFC 959 4.1.1", &Session::on_cdup},
        {"XCUP", Arg::none, ready, hidden, "XCUP", "CDUP.", "", nullptr, "RFC 775", &Session::on_cdup},
        {"PWD", Arg::none, ready, 0, "PWD", "Tells the directory.", "", nullptr, "RFC 959 4.1.3", &Session::on_pwd},
        {"XPWD", Arg::none, ready, hidden, "XPWD", "PWD.", "", nullptr, "RFC 775", &Session::on_pwd},
        {"SMNT", Arg::required, ready, hidden, "SMNT path", "Not here.", "", nullptr, "RFC 959 4.1.1", &Session::on_unimplemented},
        // How.
        {"TYPE", Arg::required, ready, 0, "TYPE A|I|L 8", "Chooses text or binary.",
         "", nullptr, "RFC 959 4.1.2", &Session::on_type},
        {"STRU", Arg::required, ready, 0, "STRU F", "Files are files.", "", nullptr, "RFC 959 4.1.2", &Session::on_stru},
        {"MODE", Arg::required, ready, 0, "MODE S", "Transfers are streams.", "", nullptr, "RFC 959 4.1.2", &Session::on_mode},
        {"PASV", Arg::none, ready, 0, "PASV", "Has the server listen for the data connection (IPv4).",
         "PASV", nullptr, "RFC 959 4.1.2", &Session::on_pasv},
        {"P@SW", Arg::none, ready, hidden, "P@SW", "PASV, as some NAT boxes write it.", "", nullptr, "", &Session::on_pasv},
        {"EPSV", Arg::optional, ready, 0, "EPSV [1|2|ALL]", "Has the server listen for the data connection.",
         "EPSV", nullptr, "RFC 2428 3", &Session::on_epsv},
        {"PORT", Arg::required, ready, 0, "PORT h1,h2,h3,h4,p1,p2", "Has the server connect to your port (IPv4).",
         "", nullptr, "RFC 959 4.1.2", &Session::on_port},
        {"EPRT", Arg::required, ready, 0, "EPRT |1|address|port|", "Has the server connect to your port.",
         "EPRT", nullptr, "RFC 2428 2", &Session::on_eprt},
        {"REST", Arg::required, ready, 0, "REST offset", "The next transfer begins there.",
         "REST", &Session::rest_words, "RFC 3659 5", &Session::on_rest},
        {"ALLO", Arg::required, ready, 0, "ALLO octets", "Asks whether there is room.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_allo},
        // What.
        {"RETR", Arg::required, ready, exact_arg, "RETR path", "Sends a file.", "", nullptr, "RFC 959 4.1.3", &Session::on_retr},
        {"STOR", Arg::required, ready, exact_arg, "STOR path", "Receives a file.", "", nullptr, "RFC 959 4.1.3", &Session::on_stor},
        {"STOU", Arg::optional, ready, exact_arg, "STOU [path]", "Receives a file under a name that is new.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_stou},
        {"APPE", Arg::required, ready, exact_arg, "APPE path", "Receives the end of a file.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_appe},
        {"LIST", Arg::optional, ready, exact_arg, "LIST [path]", "Lists files for people; a pattern may end it.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_list},
        {"NLST", Arg::optional, ready, exact_arg, "NLST [path]", "Lists names; a pattern may end it.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_nlst},
        {"MLSD", Arg::optional, ready, exact_arg, "MLSD [path]", "Lists a directory for programs.",
         "", nullptr, "RFC 3659 7", &Session::on_mlsd},
        {"MLST", Arg::optional, ready, exact_arg, "MLST [path]", "Tells the facts of one file.",
         "MLST", &Session::fact_words, "RFC 3659 7", &Session::on_mlst},
        {"ABOR", Arg::none, any, while_busy, "ABOR", "Breaks the transfer off.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_abor},
        {"SIZE", Arg::required, ready, exact_arg, "SIZE path", "Tells the octets that RETR would send.",
         "SIZE", nullptr, "RFC 3659 4", &Session::on_size},
        {"MDTM", Arg::required, ready, exact_arg, "MDTM path", "Tells when a file was changed.",
         "MDTM", nullptr, "RFC 3659 3", &Session::on_mdtm},
        {"MFMT", Arg::required, ready, exact_arg, "MFMT YYYYMMDDHHMMSS path", "Sets when a file was changed.",
         "MFMT", nullptr, "draft-somers-ftp-mfxx", &Session::on_mfmt},
        {"RNFR", Arg::required, ready, exact_arg, "RNFR path", "Names the file that RNTO renames.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_rnfr},
        {"RNTO", Arg::required, ready, exact_arg, "RNTO path", "Renames the file that RNFR named.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_rnto},
        {"DELE", Arg::required, ready, exact_arg, "DELE path", "Removes a file.", "", nullptr, "RFC 959 4.1.3", &Session::on_dele},
        {"MKD", Arg::required, ready, exact_arg, "MKD path", "Makes a directory.", "", nullptr, "RFC 959 4.1.3", &Session::on_mkd},
        {"XMKD", Arg::required, ready, exact_arg | hidden, "XMKD path", "MKD.", "", nullptr, "RFC 775", &Session::on_mkd},
        {"RMD", Arg::required, ready, exact_arg, "RMD path", "Removes an empty directory.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_rmd},
        {"XRMD", Arg::required, ready, exact_arg | hidden, "XRMD path", "RMD.", "", nullptr, "RFC 775", &Session::on_rmd},
        {"SITE", Arg::required, ready, exact_arg, "SITE command", "Commands of this server; SITE HELP lists them.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_site},
        // About the server.
        {"FEAT", Arg::none, any, 0, "FEAT", "Lists what this server can do.", "", nullptr, "RFC 2389 3", &Session::on_feat},
        {"OPTS", Arg::required, any, 0, "OPTS command options", "Sets options of a command.",
         "", nullptr, "RFC 2389 4", &Session::on_opts},
        {"HELP", Arg::optional, any, 0, "HELP [command]", "Explains the commands.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_help},
        {"STAT", Arg::optional, any, exact_arg | while_busy, "STAT [path]", "Tells how things are, or lists files.",
         "", nullptr, "RFC 959 4.1.3", &Session::on_stat},
        {"SYST", Arg::none, any, 0, "SYST", "Tells the kind of system.", "", nullptr, "RFC 959 4.1.3", &Session::on_syst},
        {"NOOP", Arg::none, any, while_busy, "NOOP", "Does nothing.", "", nullptr, "RFC 959 4.1.3", &Session::on_noop},
        {"LANG", Arg::optional, any, 0, "LANG [language]", "The replies are in English.",
         "LANG", &Session::language_words, "RFC 2640 4", &Session::on_lang},
        {"CLNT", Arg::required, any, hidden, "CLNT name", "Says what the client is.", "CLNT", nullptr, "", &Session::on_clnt},
    };
    static constexpr proto::CommandRow<Session> site[] = {
        {"CHMOD", Arg::required, ready, exact_arg, "SITE CHMOD mode path", "Sets the permissions of a file.",
         "", nullptr, "", &Session::on_site_chmod},
        {"UMASK", Arg::optional, ready, 0, "SITE UMASK [mask]", "Tells or sets what new files do not permit.",
         "", nullptr, "", &Session::on_site_umask},
        {"IDLE", Arg::optional, ready, 0, "SITE IDLE [seconds]", "Tells or shortens the time of silence.",
         "", nullptr, "", &Session::on_site_idle},
        {"UTIME", Arg::required, ready, exact_arg, "SITE UTIME YYYYMMDDHHMMSS path", "Sets when a file was changed.",
         "", nullptr, "", &Session::on_site_utime},
        {"HELP", Arg::optional, ready, 0, "SITE HELP [command]", "Explains the SITE commands.",
         "", nullptr, "", &Session::on_site_help},
    };
    // clang-format on
};

std::span<const proto::CommandRow<Session>> commands() noexcept { return CommandTables::all; }
std::span<const proto::CommandRow<Session>> site_commands() noexcept { return CommandTables::site; }

std::span<const proto::Capability<Session>> general_features() noexcept {
    static constexpr proto::Capability<Session> words[] = {
        {"UTF8", nullptr},
        {"TVFS", nullptr},
    };
    return words;
}

} // namespace posada::ftpd
