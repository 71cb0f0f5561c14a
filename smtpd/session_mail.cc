// SPDX-License-Identifier: BSD-2-Clause
// MAIL and RCPT: who sends, who gets it, and who may.
#include <algorithm>

#include "common/base/text.h"
#include "common/proto/reply.h"
#include "smtpd/session.h"

namespace posada::smtpd {

namespace {

constexpr std::uint32_t max_overshoot = 1'000;

bool listed(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

void Session::on_mail(std::string_view arg) {
    if (peer_.auth && login_.empty())
        return refuse_mail(530, "5.7.0",
                           private_enough() ? "Authentication required: say AUTH first"
                                            : "Authentication required: say STARTTLS, then AUTH",
                           "");
    if (!istarts_with(arg, "FROM:")) return bad_syntax(*row_);
    const std::string_view given = arg.substr(5);
    const proto::ParsedPath path = proto::parse_reverse_path(given);
    if (path.fault != proto::PathFault::none) return refuse_path(path, given, "5.1.7");
    MailTransaction mail;
    if (!mail_parameters(path.rest, mail)) return;
    note_forms(path, given);
    mail.sender = path.mailbox;
    mail_ = std::move(mail);
    state_ = state_mail;
    reply(250, "2.1.0", "<" + mail_.sender.text() + "> ... Sender ok");
}

bool Session::mail_parameters(std::string_view text, MailTransaction& mail) {
    const auto parameters = parse_parameters(text);
    if (!parameters) {
        reply(501, "5.5.4", "Malformed parameters behind the address");
        return false;
    }
    return std::all_of(parameters->begin(), parameters->end(),
                       [this, &mail](const Parameter& parameter) { return mail_parameter(parameter, mail); });
}

bool Session::mail_parameter(const Parameter& parameter, MailTransaction& mail) {
    const std::string_view value = parameter.value.value_or(std::string_view());
    if (iequals(parameter.name, "SIZE")) {
        const auto size = parse_uint(value);
        if (!size) return reply(501, "5.5.4", "SIZE needs a number of octets"), false;
        if (*size > policy_.max_message_size)
            return refuse_mail(552, "5.3.4",
                               "Message too large; the limit is " + std::to_string(policy_.max_message_size), ""),
                   false;
        mail.declared_size = *size;
        return true;
    }
    if (iequals(parameter.name, "BODY")) {
        mail.body_8bit = iequals(value, "8BITMIME");
        if (!mail.body_8bit && !iequals(value, "7BIT")) return reply(501, "5.5.4", "BODY is 7BIT or 8BITMIME"), false;
        return true;
    }
    // RFC 4954 5: who handed the mail in elsewhere; checked and not passed on, since we trust no relay's word.
    if (iequals(parameter.name, "AUTH") && peer_.auth) {
        if (!decode_xtext(value)) return reply(501, "5.5.4", "AUTH needs xtext (RFC 3461 4)"), false;
        return true;
    }
    reply(555, "5.5.4", "Parameter not recognized: " + std::string(parameter.name.substr(0, 40)));
    return false;
}

void Session::refuse_path(const proto::ParsedPath& path, std::string_view given, std::string_view status) {
    const bool non_ascii = path.fault == proto::PathFault::non_ascii;
    refuse_mail(553, non_ascii ? "5.6.7" : status,
                std::string(trim(given).substr(0, 200)) + " ... " + proto::path_fault_text(path.fault), "");
}

void Session::note_forms(const proto::ParsedPath& path, std::string_view given) {
    if (path.notes == 0) return;
    std::string forms;
    const auto add = [&forms](const char* form) { forms += forms.empty() ? form : std::string(", ") + form; };
    if ((path.notes & proto::space_after_colon) != 0) add("space after the colon");
    if ((path.notes & proto::no_brackets) != 0) add("no angle brackets");
    if ((path.notes & proto::source_route) != 0) add("source route ignored");
    note(event::syntax_note, {{"form", forms}, {"text", std::string(trim(given))}});
}

void Session::refuse_mail(unsigned code, std::string_view enhanced, std::string_view text, std::string_view recipient) {
    note(event::mail_refused,
         {{"from", mail_.sender.text()},
          {"to", std::string(recipient)},
          {"reply", std::to_string(code) + " " + std::string(enhanced) + " " + std::string(text)}});
    reply(code, enhanced, text);
}

// The client's recipients may be many and the limit is no fault of it (RFC 5321 4.5.3.1.10); but not without end.
void Session::too_many_recipients(std::string_view recipient) {
    if (++overshoot_ > max_overshoot) count_error();
    if (!closed_) send(proto::numeric_reply(452, "4.5.3", "Too many recipients; send the rest in another message"));
    if (overshoot_ == 1)
        note(event::mail_refused,
             {{"from", mail_.sender.text()}, {"to", std::string(recipient)}, {"reply", "452 4.5.3"}});
}

bool Session::is_local(const proto::Mailbox& mailbox) const {
    return mailbox.domain.empty() || listed(policy_.local_domains, mailbox.domain);
}

bool Session::has_route(const proto::Mailbox& mailbox) const {
    return listed(policy_.route_domains, mailbox.domain) || (!mailbox.literal() && listed(policy_.route_domains, "*"));
}

// RFC 5321 4.5.1: postmaster is always somebody, with and without a domain.
proto::Mailbox Session::deliverable(const proto::Mailbox& mailbox) const {
    if (!is_local(mailbox) || !iequals(mailbox.local, "postmaster")) return mailbox;
    const std::string& account = policy_.postmaster;
    return {account.empty() ? "postmaster" : account, policy_.local_domains.front()};
}

void Session::on_rcpt(std::string_view arg) {
    if (!istarts_with(arg, "TO:")) return bad_syntax(*row_);
    const std::string_view given = arg.substr(3);
    const proto::ParsedPath path = proto::parse_forward_path(given);
    if (path.fault != proto::PathFault::none) return refuse_path(path, given, "5.1.3");
    if (!path.rest.empty())
        return reply(555, "5.5.4",
                     "Parameter not recognized: " +
                         std::string(path.rest.substr(0, path.rest.find_first_of(" =")).substr(0, 40)));
    const proto::Mailbox recipient = deliverable(path.mailbox);
    const std::string shown = recipient.text();
    if (mail_.recipients.size() >= policy_.max_recipients && !mail_.has(recipient)) return too_many_recipients(shown);
    note_forms(path, given);
    asked_ = AcceptedRecipient{recipient, is_local(recipient)};
    if (asked_.local) {
        wait_ = Wait::recipient;
        effects_.push_back(LookupRecipient{asked_.mailbox, mail_.declared_size});
        return;
    }
    if (login_.empty() && !peer_.may_relay)
        return refuse_mail(550, "5.7.1", "<" + shown + "> ... Relaying denied: not a domain of this host", shown);
    if (!has_route(asked_.mailbox))
        return refuse_mail(550, "5.1.2", "<" + shown + "> ... No route to this domain", shown);
    accept_recipient(std::move(asked_));
}

void Session::recipient_answer(RecipientVerdict verdict) {
    if (wait_ != Wait::recipient) return;
    wait_ = Wait::nothing;
    const std::string shown = asked_.mailbox.text();
    switch (verdict) {
    case RecipientVerdict::exists: accept_recipient(std::move(asked_)); break;
    case RecipientVerdict::unknown: refuse_mail(550, "5.1.1", "<" + shown + "> ... User unknown", shown); break;
    case RecipientVerdict::temporary:
        refuse_mail(451, "4.3.0", "<" + shown + "> ... Cannot find out now, try again later", shown);
        break;
    case RecipientVerdict::full: refuse_full(asked_.mailbox, mail_.declared_size, false); break;
    case RecipientVerdict::full_for_good: refuse_full(asked_.mailbox, mail_.declared_size, true); break;
    }
    if (stopping_) shut_down();
}

// size: of the mail, 0 = not known yet.
void Session::refuse_full(const proto::Mailbox& mailbox, std::uint64_t size, bool for_good) {
    const std::string shown = mailbox.text();
    std::string text = "<" + shown + "> ... Mailbox full";
    if (size != 0) text = "<" + shown + "> ... Mailbox too full for a message of " + std::to_string(size) + " octets";
    refuse_mail(for_good ? 552 : 452, for_good ? "5.2.2" : "4.2.2", text + (for_good ? "" : ", try again later"),
                shown);
}

void Session::accept_recipient(AcceptedRecipient recipient) {
    const std::string shown = recipient.mailbox.text();
    if (!mail_.has(recipient.mailbox)) mail_.recipients.push_back(std::move(recipient));
    state_ = state_rcpt;
    reply(250, "2.1.5", "<" + shown + "> ... Recipient ok");
}

} // namespace posada::smtpd
