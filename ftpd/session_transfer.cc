// SPDX-License-Identifier: BSD-2-Clause
// Data connections and what goes over them.
#include "common/base/text.h"
#include "ftpd/session.h"

namespace posada::ftpd {

namespace {

namespace ftp = proto::ftp;

// "-a", "-la" and their like in front of a path, as clients send them. Only 'a' means anything; a file that is called
// so is "./-la".
struct ListArgument {
    std::string_view path;
    bool all = false;
};
ListArgument parse_list(std::string_view arg) {
    ListArgument out{trim(arg)};
    while (!out.path.empty() && out.path.front() == '-') {
        const auto [word, rest] = split_word(out.path);
        out.all = out.all || word.find('a') != std::string_view::npos;
        out.path = rest;
    }
    return out;
}

// By the order of TransferEnd.
struct EndReply {
    unsigned code;
    std::string_view text;
};
constexpr EndReply end_replies[] = {
    {226, "Transfer complete."},
    {426, "Transfer aborted."},
    {425, "Can't open data connection."},
    {425, "TLS on the data connection failed."},
    {522, "The data connection must resume the TLS session of the control connection (tls_session_reuse)."},
    {426, "Data connection closed before the end; transfer aborted."},
    {426, "The transfer stood still for too long."},
    {451, "The file could not be read to its end."},
    {451, "Error writing file."},
    {452, "Error writing file: no space left."},
    {552, "Over quota."},
    {451, "The server lost your files."},
};
static_assert(std::size(end_replies) == static_cast<std::size_t>(TransferEnd::lost) + 1);

} // namespace

// A, with N or nothing behind it; I; L 8, which is I. Carriage control is for printers.
void Session::on_type(std::string_view arg) {
    const std::string type = ascii_upper(trim(arg));
    if (type == "A" || type == "A N") {
        ascii_ = true;
    } else if (type == "I" || type == "I N" || type == "L 8" || type == "L8") {
        ascii_ = false;
    } else {
        return bad_command(504, "Only TYPE A, I and L 8 are known here.");
    }
    reply(200, std::string("Type set to ") + (ascii_ ? "A." : "I."));
}

void Session::on_stru(std::string_view arg) {
    if (!iequals(trim(arg), "F")) return bad_command(504, "Only STRU F is known here.");
    command_ok();
}

void Session::on_mode(std::string_view arg) {
    if (!iequals(trim(arg), "S")) return bad_command(504, "Only MODE S is known here.");
    command_ok();
}

// ---- where the data connection comes from

void Session::on_pasv(std::string_view) {
    if (epsv_all_) return bad_command(503, "Only EPSV after EPSV ALL.");
    if (peer_.ipv6 && peer_.passive_ip.find(':') != std::string::npos)
        return bad_command(522, "PASV is for IPv4; use EPSV.");
    listen(false);
}

void Session::on_epsv(std::string_view arg) {
    const std::string_view wanted = trim(arg);
    if (iequals(wanted, "ALL")) {
        epsv_all_ = true;
        return command_ok();
    }
    if (!wanted.empty() && wanted != "1" && wanted != "2")
        return bad_command(522, "Network protocol not supported, use (1,2)");
    if (!wanted.empty() && (wanted == "2") != peer_.ipv6)
        return bad_command(522, std::string("Network protocol not supported, use (") + (peer_.ipv6 ? "2)" : "1)"));
    listen(true);
}

void Session::listen(bool extended) {
    epsv_ = extended;
    data_ = DataMode::none;
    wait_ = Wait::data;
    effects_.emplace_back(ListenForData{});
}

void Session::listening(std::uint16_t port) {
    wait_ = Wait::nothing;
    data_ = DataMode::passive;
    if (epsv_) return reply(229, "Entering Extended Passive Mode (|||" + std::to_string(port) + "|)");
    reply(227, "Entering Passive Mode (" + ftp::print_port(peer_.passive_ip, port) + ").");
}

void Session::listen_failed() {
    wait_ = Wait::nothing;
    reply(425, "No port is free; try again later.");
}

void Session::on_port(std::string_view arg) {
    if (epsv_all_) return bad_command(503, "Only EPSV after EPSV ALL.");
    const auto to = ftp::parse_port(trim(arg));
    if (!to) return bad_syntax();
    use_port(*to);
}

void Session::on_eprt(std::string_view arg) {
    if (epsv_all_) return bad_command(503, "Only EPSV after EPSV ALL.");
    ftp::HostPort to;
    const auto fault = ftp::parse_eprt(trim(arg), to);
    if (fault == ftp::EprtFault::syntax) return bad_syntax();
    if (fault == ftp::EprtFault::family || (to.family == ftp::Family::ipv6) != peer_.ipv6)
        return bad_command(522, std::string("Network protocol not supported, use (") + (peer_.ipv6 ? "2)" : "1)"));
    use_port(to);
}

// To the client and to nobody else (RFC 2577 §3): the server is nobody's scanner. What was prepared before is void,
// whatever comes of this.
void Session::use_port(const ftp::HostPort& to) {
    end_data();
    constexpr std::uint16_t first_unprivileged = 1024;
    if (!policy_.active) return bad_command(502, "Active mode is switched off here; use PASV or EPSV.");
    if (to.port < first_unprivileged) return bad_command(504, "Ports below 1024 are not connected to.");
    wait_ = Wait::data;
    effects_.emplace_back(UseDataPort{to.ip, to.port});
}

void Session::port_taken() {
    wait_ = Wait::nothing;
    data_ = DataMode::active;
    command_ok();
}

void Session::port_refused() {
    wait_ = Wait::nothing;
    bad_command(504, "Only your own address is connected to.");
}

void Session::end_data() {
    if (data_ != DataMode::none) effects_.emplace_back(DropData{});
    data_ = DataMode::none;
}

// ---- what is transferred

void Session::on_rest(std::string_view arg) {
    constexpr std::uint64_t largest = (std::uint64_t{1} << 63) - 1;
    const auto offset = parse_uint(trim(arg));
    if (!offset || *offset > largest) return bad_syntax();
    offset_ = *offset;
    reply(350, "The next transfer begins at " + std::to_string(offset_) + ".");
}

void Session::on_allo(std::string_view arg) {
    const auto octets = parse_uint(split_word(trim(arg)).first); // "ALLO 100 R 80": records are not used here
    if (!octets) return bad_syntax();
    ask(Asked::allo, AskRoom{*octets});
}

bool Session::may_transfer() {
    if (tls_active_ && !prot_private_ && policy_.data_tls_required) {
        bad_command(521, "Data connections are encrypted here; PROT P comes first.");
        return false;
    }
    if (data_ != DataMode::none) return true;
    reply(425, "Can't open data connection: use PASV, EPSV, PORT or EPRT first.");
    return false;
}

void Session::on_retr(std::string_view arg) { open(Opening::retrieve, arg); }
void Session::on_stor(std::string_view arg) { open(Opening::store, arg); }
void Session::on_appe(std::string_view arg) { open(Opening::append, arg); }
void Session::on_stou(std::string_view arg) { open(Opening::store_new, trim(arg).empty() ? "upload" : arg); }

void Session::open(Opening how, std::string_view typed) {
    const std::uint64_t offset = std::exchange(offset_, 0);
    const auto path = resolve(typed);
    if (!path || !may_transfer()) return;
    sending_ = how == Opening::retrieve;
    if (!sending_ && !may_change()) {
        end_data();
        return reply(550, "Nothing may be changed here.");
    }
    if (offset != 0 && is_ascii()) {
        end_data();
        return reply(554, "REST is for TYPE I.");
    }
    target_ = *path;
    ask(sending_ ? Asked::retrieve : Asked::store, OpenFile{how, *path, offset, 0666 & ~umask_});
}

void Session::on_list(std::string_view arg) { list(Form::list, arg); }
void Session::on_nlst(std::string_view arg) { list(Form::names, arg); }
void Session::on_mlsd(std::string_view arg) { list(Form::facts, arg); }

void Session::list(Form form, std::string_view arg) {
    offset_ = 0;
    const ListArgument what = form == Form::facts ? ListArgument{arg} : parse_list(arg);
    const auto path = resolve(what.path);
    if (!path || !may_transfer()) return;
    sending_ = true;
    target_.clear();
    ask(Asked::list, OpenListing{form, *path, std::string(what.path), what.all || form == Form::facts, facts_});
}

void Session::file_opened(Opened opened) {
    const std::string type = asked_ == Asked::list || is_ascii() ? "ASCII" : "BINARY";
    std::string what = "file list";
    if (asked_ == Asked::retrieve) what = target_ + " (" + std::to_string(opened.size) + " bytes)";
    if (asked_ == Asked::store) what = opened.name.empty() ? target_ : "FILE: " + opened.name;
    if (opened.data_is_connected)
        reply(125, "Data connection already open; transfer starting for " + what + ".");
    else
        reply(150, "Opening " + type + " mode data connection for " + what + ".");
    wait_ = Wait::transfer;
    effects_.emplace_back(Transfer{asked_ != Asked::list && is_ascii(), encrypts()});
}

void Session::transfer_ended(TransferEnd how, std::uint64_t octets) {
    if (wait_ != Wait::transfer || closed_) return;
    wait_ = Wait::nothing;
    data_ = DataMode::none;
    traffic_ += octets;
    if (how == TransferEnd::complete && asked_ != Asked::list) {
        ++files_;
        octets_ += octets;
    }
    tell_end(how);
    if (asked_ != Asked::list) note_transfer(how, octets);
    if (std::exchange(aborting_, false)) reply(226, "ABOR command successful.");
    if (stopping_) return shut_down();
    resume_held_line();
}

void Session::tell_end(TransferEnd how) {
    const EndReply& row = end_replies[static_cast<std::size_t>(how)];
    reply(row.code, row.text);
}

void Session::note_transfer(TransferEnd how, std::uint64_t octets) {
    if (!policy_.transfer_log.empty())
        effects_.emplace_back(NoteTransfer{target_, octets, is_ascii(), !sending_, how == TransferEnd::complete});
    const std::string count = std::to_string(octets);
    if (how != TransferEnd::complete) {
        const std::string reason(end_replies[static_cast<std::size_t>(how)].text);
        return note(event::file_broken, {{"user", account_}, {"path", target_}, {"octets", count}, {"reason", reason}});
    }
    if (sending_) return note(event::file_sent, {{"user", account_}, {"path", target_}, {"octets", count}});
    note(event::file_received, {{"user", account_}, {"path", target_}, {"octets", count}});
}

// Without a transfer there is nothing to break off but what was prepared for one.
void Session::on_abor(std::string_view) {
    if (wait_ != Wait::transfer) {
        end_data();
        return reply(226, "ABOR command successful.");
    }
    if (std::exchange(aborting_, true)) return;
    effects_.emplace_back(AbortTransfer{});
}

} // namespace posada::ftpd
