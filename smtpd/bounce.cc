// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/bounce.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::smtpd {

namespace {

constexpr std::size_t max_line = 998; // RFC 5322 2.1.1, without CRLF
constexpr std::size_t max_text = 700; // of a diagnostic, so that its field stays one line

void line(std::string& out, std::string_view text) { out.append(text.substr(0, max_line)).append("\r\n"); }

void field(std::string& out, std::string_view name, std::string_view value) {
    line(out, std::string(name).append(": ").append(value));
}

std::string one_line(std::string_view text) { return escape_for_log(text).substr(0, max_text); }

// The header fields of the mail, line by line; nothing after the empty line, no NUL, no over-long line.
std::string header_of(std::string_view head) {
    std::string out;
    while (!head.empty()) {
        const std::size_t end = head.find('\n');
        std::string_view text = head.substr(0, end);
        if (end == std::string_view::npos) break; // cut in the middle of a line
        head.remove_prefix(end + 1);
        if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
        if (text.empty()) break;
        std::string clean(text);
        std::replace(clean.begin(), clean.end(), '\0', ' ');
        std::replace(clean.begin(), clean.end(), '\r', ' ');
        line(out, clean);
    }
    return out;
}

bool has_8bit(std::string_view s) {
    return std::any_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) > 127; });
}

// A boundary that no line of the returned header can imitate.
std::string choose_boundary(const BounceInput& input, std::string_view header) {
    std::string boundary = "=_" + input.report_id;
    while (header.find(boundary) != std::string_view::npos) boundary += "_";
    return boundary;
}

void top(std::string& out, const BounceInput& input, std::string_view boundary, bool eight_bit) {
    field(out, "Date", rfc5322_date(input.now));
    field(out, "From", "Mail Delivery System <MAILER-DAEMON@" + input.hostname + ">");
    field(out, "To", "<" + input.sender + ">");
    field(out, "Subject", "Undelivered mail returned to sender");
    field(out, "Message-ID", "<" + input.report_id + "@" + input.hostname + ">");
    field(out, "Auto-Submitted", "auto-replied");
    field(out, "MIME-Version", "1.0");
    line(out, "Content-Type: multipart/report; report-type=delivery-status;");
    line(out, "\tboundary=\"" + std::string(boundary) + "\"");
    field(out, "Content-Transfer-Encoding", eight_bit ? "8bit" : "7bit");
    line(out, "");
}

void part(std::string& out, std::string_view boundary, std::string_view type) {
    line(out, "--" + std::string(boundary));
    field(out, "Content-Type", type);
    line(out, "");
}

void human_part(std::string& out, const BounceInput& input) {
    line(out, "This is the mail system at " + input.hostname + ".");
    line(out, "");
    line(out, "Your mail of " + rfc5322_date(input.received) + " could not be delivered to:");
    line(out, "");
    for (const FailedRecipient& recipient : input.recipients) {
        line(out, "<" + recipient.address + ">");
        const std::string who = recipient.remote.empty() ? "" : one_line(recipient.remote) + " said: ";
        line(out, "    " + who + one_line(recipient.text));
    }
    line(out, "");
    line(out, "It will not be tried again. Below are a report for programs and the header of your mail.");
    line(out, "");
}

void status_part(std::string& out, const BounceInput& input) {
    field(out, "Reporting-MTA", "dns; " + input.hostname);
    field(out, "Arrival-Date", rfc5322_date(input.received));
    field(out, "X-Posada-Queue-Id", input.queue_id);
    for (const FailedRecipient& recipient : input.recipients) {
        line(out, "");
        field(out, "Final-Recipient", "rfc822; " + recipient.address);
        field(out, "Action", "failed");
        field(out, "Status", recipient.status);
        if (!recipient.remote.empty()) field(out, "Remote-MTA", "dns; " + one_line(recipient.remote));
        const char* type = recipient.remote.empty() ? "X-Posada; " : "smtp; ";
        field(out, "Diagnostic-Code", type + one_line(recipient.text));
    }
    line(out, "");
}

} // namespace

bool bounce_wanted(std::string_view sender) { return !sender.empty(); }

std::string make_bounce(const BounceInput& input) {
    const std::string header = header_of(input.head);
    const bool eight_bit = has_8bit(header);
    const std::string boundary = choose_boundary(input, header);
    std::string out;
    top(out, input, boundary, eight_bit);
    part(out, boundary, "text/plain; charset=us-ascii");
    human_part(out, input);
    part(out, boundary, "message/delivery-status");
    status_part(out, input);
    part(out, boundary, "text/rfc822-headers");
    out += header;
    line(out, "");
    line(out, "--" + boundary + "--");
    return out;
}

} // namespace posada::smtpd
