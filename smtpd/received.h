// SPDX-License-Identifier: BSD-2-Clause
// The Received field that every accepted message gets in front (RFC 5321 4.4). Return-Path is added at delivery.
#pragma once

#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace posada::smtpd {

struct Trace {
    std::string helo;         // as the client said it; anything printable
    std::string peer_literal; // "[192.0.2.7]", "[IPv6:::1]"
    std::string host;         // ours
    std::string id;           // of this transaction in our log
    std::string tls;          // "TLSv1.3 TLS_AES_256_GCM_SHA384", "" = none
    std::string recipient;    // only when it is the only one (others are not disclosed)
    bool extended = false;    // EHLO
    bool authenticated = false;
};

// Ends in CRLF; its lines are folded and hold nothing the client could have ended them with.
std::string received_field(const Trace& trace, UnixTime now);

} // namespace posada::smtpd
