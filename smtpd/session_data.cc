// SPDX-License-Identifier: BSD-2-Clause
// DATA: the content on its way to the queue.
#include "common/base/text.h"
#include "common/proto/reply.h"
#include "smtpd/session.h"

namespace posada::smtpd {

namespace {
constexpr std::size_t npos = std::string_view::npos;
constexpr std::size_t max_first_line = 1'000; // longer: it is no header field anybody could read
} // namespace

void Session::on_data(std::string_view) {
    wait_ = Wait::space;
    effects_.push_back(ReserveSpace{mail_.declared_size});
}

void Session::space_answer(SpaceVerdict verdict) {
    if (wait_ != Wait::space) return;
    wait_ = Wait::nothing;
    if (verdict == SpaceVerdict::no_space)
        return refuse_mail(452, "4.3.1", "No space for another message now, try again later", "");
    if (verdict == SpaceVerdict::no_queue)
        return refuse_mail(451, "4.3.2", "The mail queue (smtpd --queue) is not running, try again later", "");
    data_ = std::make_unique<proto::DotReader>(policy_.max_message_size, data_lines());
    mode_ = Mode::data;
    send(proto::numeric_reply(354, "", "Enter mail, end with \".\" on a line by itself"));
    body({}, trace_field());
}

// From the commands and the configuration, never from the content.
proto::DataLines Session::data_lines() const {
    if (peer_.typed && only_lf_) return proto::DataLines::lf;
    return policy_.bare_lf == BareLf::repair || peer_.repair_line_ends ? proto::DataLines::repair
                                                                       : proto::DataLines::crlf;
}

void Session::space_exhausted() {
    if (mode_ != Mode::data || no_space_) return;
    no_space_ = true;
    effects_.push_back(DropBody{});
}

std::string Session::transaction_id() const {
    return std::to_string(peer_.session) + "." + std::to_string(messages_ + 1);
}

std::string Session::trace_field() const {
    Trace trace;
    trace.helo = helo_;
    trace.peer_literal = peer_.literal;
    trace.host = policy_.hostname;
    trace.id = transaction_id();
    trace.tls = tls_active_ ? tls_.description : "";
    if (mail_.recipients.size() == 1) trace.recipient = mail_.recipients.front().mailbox.text();
    trace.extended = extended_;
    trace.authenticated = !login_.empty();
    return received_field(trace, now_);
}

std::size_t Session::consume_data(std::string_view input) {
    const std::size_t used = data_->consume(input, [this](std::string_view content) { on_content(content); });
    if (data_->ended()) end_of_data();
    return used;
}

void Session::on_content(std::string_view content) {
    scanner_.write(content);
    if (no_space_) return;
    if (head_done_) return body(content, {});
    first_line(content);
}

// Our Received field stands in front. A message whose first line is no header field ("Hola") has no header: without an
// empty line between, its text would be taken for a continuation of ours.
void Session::first_line(std::string_view content) {
    head_ += content;
    const std::size_t lf = head_.find('\n');
    if (lf == npos && head_.size() < max_first_line) return;
    const std::string_view line = std::string_view(head_).substr(0, lf);
    const bool header = line == "\r" || line.empty() || (is_header_field(line) && !istarts_with(line, "From "));
    if (!header) body({}, "\r\n");
    head_done_ = true;
    body({}, std::move(head_));
    head_.clear();
}

void Session::body(std::string_view text, std::string owned) {
    if (no_space_ || (text.empty() && owned.empty())) return;
    effects_.push_back(BodyChunk{text, std::move(owned)});
}

// True when a reply has been given and the content is dropped.
bool Session::refuse_content() {
    const proto::DataFault fault = data_->fault();
    if (fault == proto::DataFault::too_large)
        refuse_mail(552, "5.3.4", "Message too large; the limit is " + std::to_string(policy_.max_message_size), "");
    else if (fault != proto::DataFault::none)
        refuse_mail(550, "5.5.2",
                    std::string(proto::data_fault_text(fault)) +
                        ": lines end in <CR><LF>, see RFC 5321 2.3.8 (nc -C sends them)",
                    "");
    else if (scanner_.header_size() > policy_.max_header_size)
        refuse_mail(552, "5.3.4", "Header too large; the limit is " + std::to_string(policy_.max_header_size), "");
    else if (scanner_.received_fields() > policy_.max_hops)
        refuse_mail(554, "5.4.6", "Too many hops: the message goes in a circle", "");
    else if (no_space_)
        refuse_mail(452, "4.3.1", "No space for this message now, try again later", "");
    else
        return false;
    effects_.push_back(DropBody{});
    const bool smuggled = fault != proto::DataFault::none && fault != proto::DataFault::too_large;
    if (smuggled) {
        note(event::protocol_abuse, {{"reason", proto::data_fault_text(fault)}});
        close(proto::data_fault_text(fault));
    }
    return true;
}

void Session::end_of_data() {
    if (refuse_content()) {
        reset_transaction();
        if (stopping_) shut_down();
        return;
    }
    mail_.body_8bit = mail_.body_8bit || scanner_.eight_bit();
    mode_ = Mode::commands;
    wait_ = Wait::queue;
    effects_.push_back(SubmitMessage{mail_, helo_, login_});
}

void Session::note_mail_in(std::string_view queue_id) {
    std::vector<LogField> fields{{"id", transaction_id()},
                                 {"queue-id", std::string(queue_id)},
                                 {"from", mail_.sender.text()},
                                 {"recipients", std::to_string(mail_.recipients.size())},
                                 {"size", std::to_string(data_->size())}};
    if (!login_.empty()) fields.push_back({"user", login_});
    note(event::mail_in, std::move(fields));
}

void Session::queue_answer(QueueVerdict verdict, std::string_view queue_id) {
    if (wait_ != Wait::queue) return;
    wait_ = Wait::nothing;
    switch (verdict) {
    case QueueVerdict::stored:
        note_mail_in(queue_id);
        ++messages_;
        idle_commands_ = 0;
        reply(250, "2.0.0", std::string(queue_id) + " Message accepted for delivery");
        break;
    case QueueVerdict::no_space: refuse_mail(452, "4.3.1", "No space for this message now, try again later", ""); break;
    case QueueVerdict::invalid: refuse_mail(554, "5.6.0", "The queue refuses this message", ""); break;
    case QueueVerdict::full: refuse_full(mail_.recipients.front().mailbox, data_->size(), false); break;
    case QueueVerdict::full_for_good: refuse_full(mail_.recipients.front().mailbox, data_->size(), true); break;
    case QueueVerdict::temporary: refuse_mail(451, "4.3.0", "Message not stored, try again later", ""); break;
    }
    reset_transaction();
    if (stopping_) shut_down();
}

} // namespace posada::smtpd
