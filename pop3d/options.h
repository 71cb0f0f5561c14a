// SPDX-License-Identifier: BSD-2-Clause
// The [pop3d] section: what may be configured, with its defaults. Limits follow RFC 1939 §3 (an idle timer is at least
// ten minutes) and what mail clients of the last decades can live with.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/clock.h"
#include "pop3d/texts.h"

namespace posada::service {
struct SectionInfo;
}

namespace posada::pop3d {

struct Pop3Options {
    Millis idle_timeout{600'000};  // after login
    Millis login_timeout{180'000}; // from connect to login
    std::uint32_t max_bad_commands_login = 3;
    std::uint32_t max_bad_commands = 20;
    Millis lock_wait{10'000};               // for another session on the same mailbox to end
    Millis agent_timeout{300'000};          // for one answer of the user's agent; above lock_wait
    std::uint32_t max_messages = 1'000'000; // of one session; the others are hidden until these are gone
    Millis login_delay{0};                  // between two logins of an account; 0 = none
    Language language = Language::english;  // what LANG * chooses
    bool mark_seen = true;                  // what RETR has sent is \Seen after QUIT
    Millis expire{0};                       // how long messages are kept; 0 = for ever
    std::string banner{"posada POP3 server"};

    static const service::SectionInfo& section();
};

} // namespace posada::pop3d
