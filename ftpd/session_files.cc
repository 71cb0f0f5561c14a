// SPDX-License-Identifier: BSD-2-Clause
// Directories, facts and changes of files: everything that asks the agent and needs no data connection.
#include <charconv>

#include "common/base/text.h"
#include "common/base/time_val.h"
#include "common/base/virtual_path.h"
#include "common/proto/ftp/control_line.h"
#include "common/proto/ftp/quote.h"
#include "ftpd/message.h"
#include "ftpd/session.h"

namespace posada::ftpd {

namespace {

namespace ftp = proto::ftp;

// "0644": permission bits and the sticky bit; setuid and setgid are never given.
std::optional<std::uint32_t> parse_mode(std::string_view octal, std::uint32_t most) {
    std::uint32_t bits = 0;
    const char* end = octal.data() + octal.size();
    const auto [rest, error] = std::from_chars(octal.data(), end, bits, 8);
    if (error != std::errc() || rest != end || bits > most) return std::nullopt;
    return bits;
}

std::string octal_text(std::uint32_t mode) {
    std::string out = "000";
    for (std::size_t i = 0; i < 3; ++i) out[2 - i] = static_cast<char>('0' + ((mode >> (3 * i)) & 7));
    return out;
}

struct FileRefusal {
    Errc why;
    unsigned code;
    std::string_view text;
};
constexpr FileRefusal file_refusals[] = {
    {Errc::not_found, 550, "No such file or directory."},
    {Errc::exists, 550, "It exists already, or is not empty."},
    {Errc::denied, 550, "Permission denied."},
    {Errc::no_space, 552, "No space left, or over quota."},
    {Errc::limit, 554, "The file ends before that."},
    {Errc::busy, 450, "Somebody else is using it."},
    {Errc::invalid, 550, "That cannot be done with such a file."},
};

} // namespace

void Session::on_cwd(std::string_view arg) {
    if (const auto path = resolve(arg)) ask(Asked::cwd, EnterDirectory{*path});
}

void Session::on_cdup(std::string_view) { ask(Asked::cwd, EnterDirectory{std::string(parent_of(cwd_))}); }

void Session::on_pwd(std::string_view) { reply(257, ftp::quote_path(cwd_) + " is the current directory."); }

// The text of .message comes first, a line each (RFC 959 §4.2).
void Session::entered(std::string path, const std::string& message) {
    wait_ = Wait::nothing;
    cwd_ = std::move(path);
    if (std::string text = message_reply(250, expand(message)); !text.empty())
        effects_.emplace_back(SendReply{std::move(text)});
    reply(250, std::string(row_->verb) + " command successful.");
}

void Session::look(Asked what, std::string_view typed, std::uint8_t facts) {
    const auto path = resolve(typed);
    if (!path) return;
    target_ = *path;
    ask(what, Look{*path, facts});
}

// A text's size after conversion is not known without reading all of it, and a wrong number is worse than none
// (RFC 3659 §4).
void Session::on_size(std::string_view arg) {
    if (is_ascii()) return reply(550, "SIZE is not known for TYPE A; TYPE I comes first.");
    look(Asked::size, arg);
}

void Session::on_mdtm(std::string_view arg) { look(Asked::mdtm, arg); }
void Session::on_mlst(std::string_view arg) { look(Asked::mlst, arg, facts_); }
void Session::on_rnfr(std::string_view arg) { look(Asked::rnfr, arg); }

void Session::looked(const FileFacts& facts) {
    wait_ = Wait::nothing;
    if ((asked_ == Asked::size || asked_ == Asked::mdtm) && !facts.plain_file)
        return reply(550, "That is no plain file.");
    if (asked_ == Asked::size) return reply(213, std::to_string(facts.size));
    if (asked_ == Asked::mdtm) return reply(213, print_time_val(facts.modified));
    if (asked_ == Asked::rnfr) {
        rename_from_ = target_;
        return reply(350, "Ready for RNTO.");
    }
    reply_lines(250, "Begin", {facts.line}, "End");
}

void Session::change(Asked what, Change change, std::string_view typed, std::int64_t value) {
    const auto path = resolve(typed);
    if (!path) return;
    if (!may_change()) return reply(550, "Nothing may be changed here.");
    target_ = *path;
    ask(what, ChangeFiles{change, *path, {}, value});
}

void Session::on_dele(std::string_view arg) { change(Asked::dele, Change::remove_file, arg); }
void Session::on_rmd(std::string_view arg) { change(Asked::rmd, Change::remove_directory, arg); }
void Session::on_mkd(std::string_view arg) { change(Asked::mkd, Change::make_directory, arg, 0777 & ~umask_); }

void Session::on_rnto(std::string_view arg) {
    if (rename_from_.empty()) return bad_command(503, "RNFR comes first.");
    const std::string from = std::exchange(rename_from_, {});
    const auto to = resolve(arg);
    if (!to) return;
    if (!may_change()) return reply(550, "Nothing may be changed here.");
    ask(Asked::rnto, ChangeFiles{Change::rename, from, *to});
}

// "YYYYMMDDHHMMSS path", in UTC.
void Session::set_time(Asked what, std::string_view arg) {
    const auto [digits, path] = split_word(arg);
    const auto when = parse_time_val(digits);
    if (!when || path.empty()) return bad_syntax();
    change(what, Change::set_time, path, *when);
}

void Session::on_mfmt(std::string_view arg) { set_time(Asked::mfmt, arg); }
void Session::on_site_utime(std::string_view arg) { set_time(Asked::utime, arg); }

void Session::on_site(std::string_view arg) {
    const auto walked = proto::walk(site_commands(), trim(arg), walk_context());
    if (walked.row == nullptr) return bad_command(500, "Unknown SITE command; SITE HELP lists the known ones.");
    if (walked.refusal != proto::Refusal::none) return refuse(walked);
    row_ = walked.row;
    (this->*row_->handler)(walked.arg);
}

void Session::on_site_chmod(std::string_view arg) {
    const auto [octal, path] = split_word(arg);
    const auto mode = parse_mode(octal, 07777);
    if (!mode || path.empty()) return bad_syntax();
    change(Asked::chmod, Change::set_mode, path, *mode & 0777);
}

void Session::on_site_umask(std::string_view arg) {
    if (trim(arg).empty()) return reply(200, "The umask is " + octal_text(umask_) + ".");
    const auto mask = parse_mode(trim(arg), 0777);
    if (!mask) return bad_syntax();
    const std::string before = octal_text(std::exchange(umask_, *mask));
    reply(200, "The umask is " + octal_text(umask_) + " now, it was " + before + ".");
}

// A client may shorten its time, never lengthen it.
void Session::on_site_idle(std::string_view arg) {
    const auto now = std::chrono::duration_cast<Seconds>(idle_timeout_);
    if (trim(arg).empty()) return reply(200, "The time of silence is " + std::to_string(now.count()) + " seconds.");
    const auto wanted = parse_uint(trim(arg));
    const auto most = std::chrono::duration_cast<Seconds>(policy_.idle_timeout);
    if (!wanted || *wanted < 30 || *wanted > static_cast<std::uint64_t>(most.count()))
        return bad_command(501, "It can be 30 to " + std::to_string(most.count()) + " seconds.");
    idle_timeout_ = Seconds(static_cast<std::int64_t>(*wanted));
    reply(200, "The time of silence is " + std::to_string(*wanted) + " seconds now.");
}

void Session::on_site_help(std::string_view arg) { help(site_commands(), arg); }

void Session::changed() {
    wait_ = Wait::nothing;
    if (asked_ == Asked::mkd) return reply(257, ftp::quote_path(target_) + " created.");
    if (asked_ == Asked::mfmt) return reply(213, "Modify is set; " + target_);
    const bool is_site = asked_ == Asked::chmod || asked_ == Asked::utime || asked_ == Asked::allo;
    reply(is_site ? 200 : 250, std::string(row_->verb) + " command successful.");
}

// Of the agent, whatever was asked.
void Session::refused(Errc why) {
    wait_ = Wait::nothing;
    if (asked_ == Asked::retrieve || asked_ == Asked::store || asked_ == Asked::list) end_data();
    for (const FileRefusal& row : file_refusals)
        if (row.why == why) return reply(row.code, row.text);
    reply(451, "The server could not do it; try again later.");
}

} // namespace posada::ftpd
