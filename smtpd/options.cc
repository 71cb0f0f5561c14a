// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/options.h"

#include "common/base/text.h"
#include "common/service/config/config.h"

namespace posada::smtpd {

namespace {

using namespace posada::service;

constexpr std::string_view route_tls_words[] = {"none", "opportunistic", "required"};

constexpr std::string_view bare_lf_words[] = {"refuse", "repair"};

constexpr OptionRow route_rows[] = {
    required(text<&Route::domain>("domain", "Recipient domain, or \"*\" for every domain that is not local.")),
    required(text<&Route::host>("host", "Numeric IP address of the server that takes the mail.")),
    integer<&Route::port>("port", 1, 65'535, "Its port."),
    choice<&Route::tls>("tls", route_tls_words,
                        "none: never; opportunistic: STARTTLS when offered, any certificate; required: verified "
                        "STARTTLS or the mail waits."),
};
constexpr Schema route_schema{route_rows};

constexpr OptionRow queue_rows[] = {
    duration_list<&QueueOptions::retry>(
        "retry", "Wait before each further attempt; the last value repeats until lifetime ends."),
    duration<&QueueOptions::lifetime>("lifetime", Seconds(60), Seconds(30 * 86'400),
                                      "Age at which an undelivered message is returned to its sender."),
    integer<&QueueOptions::delivery_concurrency>("delivery_concurrency", 1, 1'000, "Local deliveries at once."),
    integer<&QueueOptions::batch>("batch", 1, 1'000, "Messages per transaction, and recipients per lease."),
    duration<&QueueOptions::quota_recheck>(
        "quota_recheck", Seconds(1), Seconds(86'400),
        "How long recipients are refused for what the last delivery said about their mailbox; then a mail is accepted "
        "and delivery tried."),
};
constexpr Schema queue_schema{queue_rows};

constexpr std::uint64_t kilobyte = 1024;
constexpr std::uint64_t gigabyte = kilobyte * kilobyte * kilobyte;

constexpr OptionRow rows[] = {
    size<&SmtpdOptions::max_message_size>("max_message_size", 64 * kilobyte, 2 * gigabyte,
                                          "Largest message; announced as SIZE (RFC 1870)."),
    size<&SmtpdOptions::max_header_size>("max_header_size", 16 * kilobyte, 64 * kilobyte * kilobyte,
                                         "Largest header of a message; above it the message is refused."),
    integer<&SmtpdOptions::max_recipients>("max_recipients", 100, 100'000,
                                           "Recipients of one message (RFC 5321 4.5.3.1.8 asks for 100 at least)."),
    integer<&SmtpdOptions::max_hops>("max_hops", 10, 1'000, "Received fields after which a message is a loop."),
    integer<&SmtpdOptions::max_errors>("max_errors", 1, 1'000, "Refused commands that close the connection."),
    integer<&SmtpdOptions::max_idle_commands>(
        "max_idle_commands", 10, 100'000,
        "Commands like NOOP or RSET without a message; each further one is an error."),
    duration<&SmtpdOptions::greeting_delay>("greeting_delay", Millis(0), Seconds(60),
                                            "Wait before the greeting; a client that speaks first is refused with 554 "
                                            "(many spam programs do)."),
    duration<&SmtpdOptions::command_timeout>("command_timeout", Seconds(10), Seconds(3'600),
                                             "Wait for the next command (RFC 5321 4.5.3.2.7: 5 minutes)."),
    duration<&SmtpdOptions::data_timeout>("data_timeout", Seconds(10), Seconds(3'600),
                                          "Wait for the next part of a message's data."),
    duration<&SmtpdOptions::queue_wait>("queue_wait", Millis(0), Seconds(60),
                                        "How long a message waits for a queue that is being started again, as after a "
                                        "reload; then 451 4.3.2."),
    choice<&SmtpdOptions::bare_lf>("bare_lf", bare_lf_words,
                                   "A line of message data that ends in LF alone. refuse: 550 and the connection is "
                                   "closed; repair: it becomes CRLF, for old devices. The end of data is CRLF.CRLF "
                                   "either way."),
    network_list<&SmtpdOptions::relay_networks>(
        "relay_networks", "Clients that may send to any domain without a login: scanners, cameras."),
    text<&SmtpdOptions::postmaster>("postmaster", "Account that gets mail for postmaster (RFC 5321 4.5.1); empty: an "
                                                  "account called postmaster."),
    size<&SmtpdOptions::spool_memory>("spool_memory", 1024 * kilobyte, 64 * gigabyte,
                                      "Memory for messages under way; above it new mail is deferred with 452."),
    group<&SmtpdOptions::queue>("queue", queue_schema, "The mail queue."),
    tables<&SmtpdOptions::routes>("route", route_schema, "Static routes, in order; the first that matches is used."),
};
constexpr Schema schema{rows};

std::vector<Listener> builtin_listeners() {
    std::vector<Listener> out{make_listener("smtp", 25, TlsMode::starttls),
                              make_listener("submission", 587, TlsMode::starttls),
                              make_listener("submissions", 465, TlsMode::implicit)};
    out[1].auth = out[2].auth = true;
    return out;
}

bool is_domain(std::string_view name) {
    return !name.empty() && name.find_first_of(" @/\\\"") == std::string_view::npos;
}

void check_route(const SmtpdOptions& options, std::size_t index, SectionCheck& check) {
    const Route& route = options.routes[index];
    const std::string at = "route[" + std::to_string(index) + "].";
    if (check.written(at + "domain") && route.domain != "*" && !is_domain(route.domain))
        check.error(at + "domain", "\"domain\" must be a domain name, or \"*\" for every domain that is not local");
    if (check.written(at + "host") && !io::Address::parse(route.host, route.port))
        check.error(at + "host", "\"host\" must be a numeric IP address: routes are used without asking the DNS");
    for (std::size_t earlier = 0; earlier < index; ++earlier) {
        const std::string& first = options.routes[earlier].domain;
        if (iequals(first, route.domain) || first == "*")
            return check.error(at + "domain",
                               "this route is never used: an earlier one for \"" + first + "\" matches first");
    }
}

void check_section(const void* any, SectionCheck& check) {
    const auto& options = *static_cast<const SmtpdOptions*>(any);
    for (const io::Network& network : options.relay_networks)
        if (network.text().ends_with("/0"))
            check.error("relay_networks", "\"" + network.text() + "\" is everybody: this would be an open relay");
    for (std::size_t i = 0; i < options.routes.size(); ++i) check_route(options, i, check);
    if (options.max_message_size > options.spool_memory)
        check.error("spool_memory", "\"spool_memory\" (" + size_text(options.spool_memory) +
                                        ") must hold at least one message of \"max_message_size\" (" +
                                        size_text(options.max_message_size) + ")");
}

constexpr SectionInfo info{
    "smtpd",
    "The SMTP server: port 25, submission, queue and relay.",
    &schema,
    &make_options<SmtpdOptions>,
    &builtin_listeners,
    &check_section,
    "posada-smtp",
    true,
};

} // namespace

const SectionInfo& SmtpdOptions::section() { return info; }

} // namespace posada::smtpd
