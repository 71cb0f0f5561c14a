// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/received.h"

#include "common/base/text.h"
#include "common/proto/addr822.h"

namespace posada::smtpd {

namespace {

// RFC 3848: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA.
std::string protocol_name(const Trace& trace) {
    std::string out = trace.extended ? "ESMTP" : "SMTP";
    if (trace.extended && !trace.tls.empty()) out += 'S';
    if (trace.extended && trace.authenticated) out += 'A';
    return out;
}

// Text inside a comment: what would end or nest it is quoted, what is not printable ASCII is shown escaped.
std::string comment(std::string_view text) {
    std::string out;
    for (const char c : escape_for_log(text.substr(0, 200))) {
        if (c == '(' || c == ')' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

// A name is repeated only if it is one; what people call themselves otherwise goes into a comment.
std::string from_clause(const Trace& trace) {
    const bool literal = !proto::canonical_literal(trace.helo).empty();
    if (literal || proto::is_domain_name(trace.helo)) return trace.helo + " (" + trace.peer_literal + ")";
    return trace.peer_literal + " (helo " + comment(trace.helo) + ")";
}

} // namespace

std::string received_field(const Trace& trace, UnixTime now) {
    std::string out = "Received: from " + from_clause(trace) + "\r\n\tby " + trace.host;
    if (!trace.tls.empty()) out += " (" + comment(trace.tls) + ")";
    out += "\r\n\twith " + protocol_name(trace) + " id " + trace.id;
    if (!trace.recipient.empty()) out += "\r\n\tfor <" + trace.recipient + ">";
    out += ";\r\n\t" + rfc5322_date(now) + "\r\n";
    return out;
}

} // namespace posada::smtpd
