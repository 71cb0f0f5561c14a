// SPDX-License-Identifier: BSD-2-Clause
// One FTP dialog, pure: bytes and answers go in, effects come out; there is no descriptor and no clock here. The driver
// (conn.cc) performs the effects in their order and calls back. While the session waits for an answer it eats no input;
// during a transfer it reads on for ABOR, STAT and NOOP, and keeps the first other line until the transfer is over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "common/proto/dialog.h"
#include "common/proto/ftp/address.h"
#include "common/proto/line.h"
#include "common/proto/login.h"
#include "common/proto/table.h"
#include "ftpd/classes.h"
#include "ftpd/commands.h"
#include "ftpd/file_terms.h"
#include "ftpd/listing.h"
#include "ftpd/options.h"

namespace posada::ftpd {

constexpr std::size_t max_command_line = 8 * 1024; // octets with CRLF: a path, doubled 255s among it

// The same for all sessions of a process.
struct Policy : FtpOptions {
    std::string hostname;
    bool transcript = false;
};

// What is known of the client and of the way to it, before greet().
struct Peer {
    bool tls_available = false;
    bool plaintext_auth = false; // secrets may pass without TLS
    std::string ip{};            // of the control connection's other end
    io::Address address{};       // the same
    bool ipv6 = false;
    std::string local_ip{};
    std::string passive_ip{}; // what PASV says
    bool tls_reuse = false;   // encrypted data connections resume the control session
};

// ---- effects

using proto::CheckPassword;
using proto::Close;
using proto::LogNote;
using proto::SendReply;
using proto::StartTls;

// Of the agent, answered by entered(), looked(), changed(), file_opened() or text_read(), or by refused(). Paths are
// whole and start with "/".
struct EnterDirectory {
    std::string path;
};
struct Look {
    std::string path;
    std::uint8_t facts = 0; // of MLST, 0 for the others
};
struct ChangeFiles {
    Change change;
    std::string path;
    std::string to{};       // rename
    std::int64_t value = 0; // mode, time
};
struct AskRoom {
    std::uint64_t octets;
};
struct OpenFile {
    Opening how;
    std::string path;
    std::uint64_t offset; // REST; retrieve and store
    std::uint32_t mode;   // of a new file
};
struct OpenListing {
    Form form;
    std::string path;
    std::string typed; // as the client named it: NLST repeats it
    bool all = false;  // hidden ones too
    std::uint8_t facts = 0;
};
struct AnonymousCheck {
    std::string email;
};
struct NoteTransfer { // for transfer_log
    std::string path;
    std::uint64_t octets;
    bool ascii;
    bool received;
    bool complete;
};
struct ReadListing { // STAT path: the lines go over the control connection
    OpenListing what;
};
// Of the data connection. Each of the first three ends what was prepared before.
struct ListenForData {};
struct UseDataPort { // answered by port_taken() or port_refused()
    std::string ip;  // as the client wrote it
    std::uint16_t port;
};
struct DropData {};
struct Transfer {
    bool ascii;
    bool tls;
};
struct AbortTransfer {};
struct TellProgress {}; // STAT during a transfer

using Effect = std::variant<SendReply, StartTls, CheckPassword, AnonymousCheck, NoteTransfer, EnterDirectory, Look,
                            ChangeFiles, AskRoom, OpenFile, OpenListing, ReadListing, ListenForData, UseDataPort,
                            DropData, Transfer, AbortTransfer, TellProgress, LogNote, Close>;

// ---- answers

using proto::LoginRefusal;
struct FileFacts {
    bool plain_file = false;
    std::uint64_t size = 0;
    UnixTime modified = 0;
    std::string line{}; // of MLST
};
struct Opened {
    std::uint64_t size = 0;         // retrieve: of the file
    std::string name{};             // store_new: the name it got
    bool data_is_connected = false; // the client has connected already
};
enum class TransferEnd : std::uint8_t {
    complete,
    aborted,       // by ABOR
    no_connection, // nobody came, or nobody was there to connect to
    tls_failed,
    tls_not_reused,
    broken, // the data connection ended before the file did
    stalled,
    unreadable, // the file could not be read to its end
    unwritable,
    no_space,
    over_quota,
    lost, // the agent is gone
};

class Session {
  public:
    // policy outlives the session.
    explicit Session(const Policy& policy);

    void set_peer(Peer peer) { peer_ = std::move(peer); }
    void greet();
    std::size_t consume(std::string_view input, UnixTime now = 0);
    std::vector<Effect> take_effects() { return std::exchange(effects_, {}); }

    // Implicit TLS: before greet(). AUTH: everything said before is forgotten.
    void tls_started();
    void login_accepted(std::string_view account);
    void login_refused(LoginRefusal why);
    void listening(std::uint16_t port);
    void listen_failed();
    void port_taken();
    void port_refused(); // it is not the client's own address
    void entered(std::string path, const std::string& message);
    void looked(const FileFacts& facts);
    void changed();
    void file_opened(Opened opened);
    void text_read(std::string_view lines, bool cut);
    void refused(Errc why);
    void transfer_ended(TransferEnd how, std::uint64_t octets);
    void progress(std::uint64_t octets);
    void agent_lost();
    void timeout();
    void shut_down();

    [[nodiscard]] bool waiting() const {
        return closed_ || (wait_ != Wait::nothing && (wait_ != Wait::transfer || held_));
    }
    [[nodiscard]] bool logged_in() const { return state_ == state_ready; }
    [[nodiscard]] bool transferring() const { return wait_ == Wait::transfer; }
    // What was said last does not count as a sign of life.
    [[nodiscard]] bool idle_talk() const { return idle_talk_; }
    [[nodiscard]] bool closed() const { return closed_; }
    [[nodiscard]] const std::string& account() const { return account_; }
    [[nodiscard]] Millis idle_timeout() const { return idle_timeout_; }

  private:
    friend struct CommandTables;

    enum class Wait : std::uint8_t { nothing, tls, login, data, files, transfer };
    enum class DataMode : std::uint8_t { none, passive, active };
    // What an answer of the agent is for.
    enum class Asked : std::uint8_t {
        nothing,
        cwd,
        mkd,
        rmd,
        dele,
        rnfr,
        rnto,
        size,
        mdtm,
        mlst,
        mfmt,
        chmod,
        utime,
        allo,
        retrieve,
        store,
        list,
        stat
    };

    // session.cc: lines and replies
    void on_line(const proto::LineEvent& event);
    void on_command(std::string_view line);
    void resume_held_line();
    void refuse(const proto::Walked<Session>& walked);
    void refuse_state(const proto::CommandRow<Session>& row);
    void reply(unsigned code, std::string_view text);
    void reply_lines(unsigned code, std::string_view first, const std::vector<std::string>& lines,
                     std::string_view last);
    void bad_command(unsigned code, std::string_view text);
    void bad_syntax();
    void command_ok(); // "200 TYPE command successful."
    void transcript(std::string_view from, std::string_view line);
    void close(std::string reason);
    void note(const LogEvent& event, std::vector<LogField> fields);
    [[nodiscard]] proto::WalkContext walk_context() const;
    void ask(Asked what, Effect effect);
    [[nodiscard]] std::optional<std::string> resolve(std::string_view typed); // replies itself when there is none

    // session_login.cc
    void on_user(std::string_view arg);
    void on_pass(std::string_view arg);
    void on_acct(std::string_view arg);
    void on_quit(std::string_view arg);
    [[nodiscard]] bool anonymous() const { return account_ == anonymous_name; }
    [[nodiscard]] std::string expand(std::string_view text) const;
    void on_host(std::string_view arg);
    void on_auth(std::string_view arg);
    void on_pbsz(std::string_view arg);
    void on_prot(std::string_view arg);
    void on_ccc(std::string_view arg);
    void on_unimplemented(std::string_view arg);

    // session_files.cc
    void on_cwd(std::string_view arg);
    void on_cdup(std::string_view arg);
    void on_pwd(std::string_view arg);
    void on_size(std::string_view arg);
    void on_mdtm(std::string_view arg);
    void on_mfmt(std::string_view arg);
    void on_mlst(std::string_view arg);
    void on_rnfr(std::string_view arg);
    void on_rnto(std::string_view arg);
    void on_dele(std::string_view arg);
    void on_mkd(std::string_view arg);
    void on_rmd(std::string_view arg);
    void on_site(std::string_view arg);
    void on_site_chmod(std::string_view arg);
    void on_site_umask(std::string_view arg);
    void on_site_idle(std::string_view arg);
    void on_site_utime(std::string_view arg);
    void on_site_help(std::string_view arg);
    // Whether the agent is asked at all; it knows better where.
    [[nodiscard]] bool may_change() const { return policy_.write || !policy_.upload.empty(); }
    void change(Asked what, Change change, std::string_view typed, std::int64_t value = 0);
    void look(Asked what, std::string_view typed, std::uint8_t facts = 0);
    void set_time(Asked what, std::string_view arg);

    // session_transfer.cc
    void on_type(std::string_view arg);
    void on_stru(std::string_view arg);
    void on_mode(std::string_view arg);
    void on_pasv(std::string_view arg);
    void on_epsv(std::string_view arg);
    void on_port(std::string_view arg);
    void on_eprt(std::string_view arg);
    void on_rest(std::string_view arg);
    void on_allo(std::string_view arg);
    void on_retr(std::string_view arg);
    void on_stor(std::string_view arg);
    void on_stou(std::string_view arg);
    void on_appe(std::string_view arg);
    void on_list(std::string_view arg);
    void on_nlst(std::string_view arg);
    void on_mlsd(std::string_view arg);
    void on_abor(std::string_view arg);
    void listen(bool extended);
    void use_port(const proto::ftp::HostPort& to);
    bool may_transfer();
    void open(Opening how, std::string_view typed);
    void list(Form form, std::string_view arg);
    [[nodiscard]] bool is_ascii() const { return ascii_ && policy_.ascii; }
    void begin_transfer(const std::string& what, bool connected);
    void end_data();
    void tell_end(TransferEnd how);
    void note_transfer(TransferEnd how, std::uint64_t octets);
    [[nodiscard]] bool encrypts() const { return tls_active_ && prot_private_; }

    // session_info.cc
    void on_feat(std::string_view arg);
    void on_opts(std::string_view arg);
    void on_help(std::string_view arg);
    void on_stat(std::string_view arg);
    void on_syst(std::string_view arg);
    void on_noop(std::string_view arg);
    void on_lang(std::string_view arg);
    void on_clnt(std::string_view arg);
    void help(std::span<const proto::CommandRow<Session>> table, std::string_view arg);
    void tell_status();
    static std::string auth_words(const Session& session);
    static std::string tls_only(const Session& session);
    static std::string rest_words(const Session& session);
    static std::string fact_words(const Session& session);
    static std::string language_words(const Session& session);

    const Policy& policy_;
    Peer peer_;
    std::vector<Effect> effects_;
    proto::LineReader lines_;
    std::optional<std::string> held_; // a line that came during a transfer
    State state_ = state_start;
    const proto::CommandRow<Session>* row_ = nullptr; // of the command under way
    Wait wait_ = Wait::nothing;
    Asked asked_ = Asked::nothing;
    bool closed_ = false;
    bool idle_talk_ = false;
    bool stopping_ = false; // the server stops when the transfer is over
    bool aborting_ = false; // ABOR waits for the transfer's end
    std::uint32_t bad_commands_ = 0;

    bool tls_active_ = false;
    bool pbsz_ = false;
    bool prot_private_ = false;
    std::string user_;
    bool user_is_anonymous_ = false;
    std::string account_;
    UnixTime now_ = 0; // of what was said last

    std::string cwd_ = "/";
    bool ascii_ = true; // RFC 959 §3.1.1.5: the default
    DataMode data_ = DataMode::none;
    bool epsv_all_ = false;
    bool epsv_ = false; // the reply that listening() makes
    std::uint64_t offset_ = 0;
    std::string rename_from_;
    std::string target_; // the path of the command under way
    bool sending_ = false;
    std::uint8_t facts_ = default_facts;
    std::uint32_t umask_;
    Millis idle_timeout_;
    std::uint64_t files_ = 0;   // transferred
    std::uint64_t octets_ = 0;  // of these
    std::uint64_t traffic_ = 0; // with listings
};

} // namespace posada::ftpd
