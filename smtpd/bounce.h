// SPDX-License-Identifier: BSD-2-Clause
// The report to a sender whose mail could not be delivered: multipart/report (RFC 6522) with a delivery-status part
// (RFC 3464) and the header of the mail. Pure text. Whether one is sent at all is bounce_wanted(): never to the null
// path, so no bounce is ever answered by a bounce (RFC 5321 4.5.5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"

namespace posada::smtpd {

struct FailedRecipient {
    std::string address;
    std::string status; // "5.1.1"
    std::string text;   // what we, or the other server, had to say
    std::string remote; // that server; "" = we
};

struct BounceInput {
    std::string hostname;
    std::string report_id; // unique: the report's Message-ID and boundary are made from it
    std::string queue_id;  // of the failed mail
    std::string sender;    // of the failed mail: who gets the report
    UnixTime received = 0;
    UnixTime now = 0;
    std::string_view head; // the first octets of the failed mail; only header fields of it are returned
    std::vector<FailedRecipient> recipients;
};

constexpr std::size_t bounce_head_size = 16 * 1024;

bool bounce_wanted(std::string_view sender);
// A complete message, all lines CRLF and at most 998 octets.
std::string make_bounce(const BounceInput& input);

} // namespace posada::smtpd
