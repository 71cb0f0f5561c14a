// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/options.h"

#include "common/base/text.h"
#include "common/service/config/config.h"

namespace posada::pop3d {

namespace {

using namespace posada::service;

constexpr std::size_t max_banner = 200;
constexpr int seconds_per_day = 86'400;

constexpr std::string_view language_words[] = {"en", "es"};

constexpr OptionRow rows[] = {
    duration<&Pop3Options::idle_timeout>("idle_timeout", Seconds(600), Seconds(86'400),
                                         "Silence after login before the session is closed; nothing is deleted then."),
    duration<&Pop3Options::login_timeout>("login_timeout", Seconds(5), Seconds(3'600),
                                          "Time from connect to a successful login."),
    integer<&Pop3Options::max_bad_commands_login>("max_bad_commands_login", 1, 1'000,
                                                  "Refused commands before login that close the connection."),
    integer<&Pop3Options::max_bad_commands>("max_bad_commands", 1, 1'000,
                                            "Refused commands after login that close the connection."),
    duration<&Pop3Options::lock_wait>("lock_wait", Millis(0), Seconds(300),
                                      "How long a login waits for another session on the same mailbox to end."),
    duration<&Pop3Options::agent_timeout>("agent_timeout", Millis(100), Seconds(3'600),
                                          "How long the user's own process may take for one answer before the session "
                                          "is given up; longer than lock_wait."),
    integer<&Pop3Options::max_messages>("max_messages", 1, 10'000'000,
                                        "Messages a session shows, the oldest first; the others stay hidden until "
                                        "these are deleted."),
    duration<&Pop3Options::login_delay>("login_delay", Millis(0), Seconds(86'400),
                                        "Time between two logins of an account, announced as LOGIN-DELAY; 0s: none."),
    choice<&Pop3Options::language>("language", language_words,
                                   "Language of the replies for a client that leaves the choice to the server; the "
                                   "others hear English until they choose."),
    boolean<&Pop3Options::mark_seen>("mark_seen", "Whether messages that RETR has sent are marked as read at QUIT."),
    duration<&Pop3Options::expire>("expire", Seconds(0), Seconds(20LL * 365 * 86'400),
                                   "How long messages are kept, read or not: older ones are removed when their "
                                   "mailbox is opened. Whole days; 0s keeps them for ever."),
    text<&Pop3Options::banner>("banner", "Text of the greeting, before \"at HOST starting.\""),
};
constexpr Schema schema{rows};

std::vector<Listener> builtin_listeners() {
    return {make_listener("pop3", 110, TlsMode::starttls), make_listener("pop3s", 995, TlsMode::implicit)};
}

// Clients take <...@...> in a greeting for an APOP challenge, and a reply is one line of at most 512 octets.
void check_banner(const std::string& banner, SectionCheck& check) {
    if (banner.find('<') != std::string::npos)
        check.error("banner", "\"banner\" must not contain '<': clients would take it for an APOP challenge");
    if (has_control(banner)) check.error("banner", "\"banner\" must be one line without control characters");
    if (banner.size() > max_banner)
        check.error("banner", "\"banner\" must not be longer than " + std::to_string(max_banner) + " octets");
}

// CAPA announces it in days (RFC 2449 §6.7), and EXPIRE 0 would say that nothing may be left on the server.
void check_expire(Millis expire, SectionCheck& check) {
    if (expire % Seconds(seconds_per_day) != Millis(0))
        check.error("expire", "\"expire\" must be a whole number of days, such as \"30d\"; \"0s\" keeps mail for ever");
}

void check_agent_timeout(const Pop3Options& options, SectionCheck& check) {
    if (options.agent_timeout <= options.lock_wait)
        check.error("agent_timeout", "\"agent_timeout\" must be longer than \"lock_wait\": a login that waits for a "
                                     "mailbox would be given up");
}

void check(const void* options, SectionCheck& check) {
    check_banner(static_cast<const Pop3Options*>(options)->banner, check);
    check_expire(static_cast<const Pop3Options*>(options)->expire, check);
    check_agent_timeout(*static_cast<const Pop3Options*>(options), check);
}

constexpr SectionInfo info{
    "pop3d", "The POP3 server.", &schema, &make_options<Pop3Options>, &builtin_listeners, &check, "posada-pop3",
};

} // namespace

const SectionInfo& Pop3Options::section() { return info; }

} // namespace posada::pop3d
