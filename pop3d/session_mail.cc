// SPDX-License-Identifier: BSD-2-Clause
// The TRANSACTION state (RFC 1939 §5) and the way out of it.
#include "common/base/text.h"
#include "common/proto/reply.h"
#include "pop3d/session.h"

namespace posada::pop3d {

namespace {
constexpr std::size_t listing_batch = 32 * 1024; // octets of a long listing written at a time
} // namespace

void Session::on_stat(std::string_view) {
    ok_data(std::to_string(maildrop_.left()) + " " + std::to_string(maildrop_.left_octets()));
}

// Of a message that is there and not marked; else the reply is given.
std::optional<std::uint32_t> Session::message_number(std::string_view arg) {
    const auto number = parse_uint(trim(arg));
    if (!number) {
        bad_command(Text::bad_number);
    } else if (!maildrop_.has(*number)) {
        error(Text::no_such_message);
    } else {
        return static_cast<std::uint32_t>(*number);
    }
    return std::nullopt;
}

void Session::on_list(std::string_view arg) { list(Listing::octets, arg); }
void Session::on_uidl(std::string_view arg) { list(Listing::uidl, arg); }

void Session::list(Listing what, std::string_view arg) {
    listing_ = what;
    if (!trim(arg).empty()) {
        if (const auto number = message_number(arg)) ok_data(listing_line(*number));
        return;
    }
    ok(Text::listing, {std::to_string(maildrop_.left()), std::to_string(maildrop_.left_octets())});
    next_listed_ = 1;
    list_more();
}

std::string Session::listing_line(std::uint32_t number) const {
    std::string out = std::to_string(number) + " ";
    if (listing_ == Listing::octets) return out + std::to_string(maildrop_.octets(number));
    maildrop_.append_uidl(out, number);
    return out;
}

void Session::list_more() {
    std::string out;
    for (; next_listed_ <= maildrop_.size() && out.size() < listing_batch; ++next_listed_)
        if (maildrop_.has(next_listed_)) out.append(listing_line(next_listed_)).append("\r\n");
    const bool finished = next_listed_ > maildrop_.size();
    if (finished) out.append(".\r\n");
    effects_.push_back(SendReply{std::move(out)});
    wait_ = finished ? Wait::nothing : Wait::output;
}

void Session::output_drained() {
    if (wait_ == Wait::output) list_more();
}

void Session::on_retr(std::string_view arg) {
    const auto number = message_number(arg);
    if (!number) return;
    requested_ = *number;
    body_lines_.reset();
    wait_ = Wait::message;
    effects_.push_back(OpenMessage{requested_});
}

void Session::on_top(std::string_view arg) {
    const auto [which, rest] = split_word(trim(arg));
    const auto lines = parse_uint(trim(rest));
    if (!lines) return bad_syntax(*row_);
    const auto number = message_number(which);
    if (!number) return;
    requested_ = *number;
    body_lines_ = *lines;
    wait_ = Wait::message;
    effects_.push_back(OpenMessage{requested_});
}

void Session::message_opened() {
    if (body_lines_) {
        ok(Text::top_follows);
    } else {
        ok(Text::octets, {std::to_string(maildrop_.octets(requested_))});
    }
    wait_ = Wait::transfer;
    effects_.push_back(SendMessage{body_lines_});
}

void Session::message_refused(MessageRefusal why) {
    wait_ = Wait::nothing;
    if (why == MessageRefusal::gone) return error(Text::message_gone);
    error(Text::message_unreadable, "SYS/TEMP");
}

void Session::message_sent() {
    if (!body_lines_) maildrop_.set_sent(requested_);
    wait_ = Wait::nothing;
}

void Session::on_dele(std::string_view arg) {
    const auto number = message_number(arg);
    if (!number) return;
    maildrop_.mark(*number);
    ok(Text::deleted, {std::to_string(*number)});
}

void Session::on_rset(std::string_view) {
    maildrop_.unmark_all();
    ok(Text::maildrop, {std::to_string(maildrop_.left()), std::to_string(maildrop_.left_octets())});
}

void Session::on_noop(std::string_view) { ok_data({}); }

void Session::on_quit(std::string_view) {
    RemoveMessages remove{maildrop_.marked(), {}};
    if (policy_.mark_seen) remove.seen = maildrop_.sent();
    if (remove.numbers.empty() && remove.seen.empty()) return sign_off();
    wait_ = Wait::removal;
    effects_.push_back(std::move(remove));
}

void Session::messages_removed() {
    wait_ = Wait::nothing;
    sign_off();
}

void Session::sign_off() {
    if (logged_in())
        note(event::mailbox_closed,
             {{"user", account_}, {"deleted", std::to_string(maildrop_.size() - maildrop_.left())}});
    ok(Text::signing_off, {policy_.banner, policy_.hostname});
    close("quit");
}

void Session::removal_failed() {
    wait_ = Wait::nothing;
    error(Text::not_all_removed, "SYS/TEMP");
    close("deletion failed");
}

} // namespace posada::pop3d
