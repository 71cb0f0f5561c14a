// SPDX-License-Identifier: BSD-2-Clause
// sbin/smtpd: one program, three services. `smtpd` serves port 25, `smtpd --submission` 587 and 465, `smtpd --queue`
// owns the mail that was accepted.
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "common/priv/drop.h"
#include "common/service/login_protocol.h"
#include "smtpd/monitor.h"
#include "smtpd/options.h"
#include "smtpd/queue_service.h"

// Takes the word out of the arguments; the rest are the service's own.
static bool take_word(int& argc, char** argv, std::string_view word) {
    char** const end = argv + argc;
    char** const found = std::find_if(argv + 1, end, [word](const char* arg) { return arg == word; });
    if (argc == 0 || found == end) return false;
    std::copy(found + 1, end + 1, found); // and the null behind the last
    --argc;
    return true;
}

// The launcher prints the options that all daemons share; these two are ours.
static void help_with_services(int argc, char** argv) {
    if (std::find(argv, argv + argc, std::string_view("--help")) == argv + argc) return;
    std::puts(
        "smtpd: port 25, unless one of these comes first:\n  --submission \n        submission: ports 587 and 465\n"
        "  --queue \n        the spool, delivery and relay");
}

static posada::service::LauncherDaemon launcher(bool submission) {
    using namespace posada;
    service::LauncherDaemon daemon{};
    daemon.name = submission ? "submission" : "smtpd";
    daemon.net_program = submission ? "smtpd-submission-net" : "smtpd-net";
    daemon.role = submission ? "subm" : "smtpd";
    daemon.model = service::NetModel::shared;
    if (submission) daemon.requests = service::LoginRequests::rows;
    daemon.logins = submission;
    daemon.section = &smtpd::SmtpdOptions::section;
    if (submission)
        daemon.serves = [](const service::Listener& listener) { return listener.auth; };
    else
        daemon.serves = [](const service::Listener& listener) { return !listener.auth; };
    daemon.refusal = "421 4.7.0 too many connections, try again later\r\n";
    daemon.make_monitor = submission ? &smtpd::make_submission_monitor : &smtpd::make_monitor;
    daemon.channels = {"lookup", "queue"};
    return daemon;
}

int main(int argc, char** argv) {
    using namespace posada::smtpd;
    help_with_services(argc, argv);
    posada::priv::keep_title_room(argc, argv); // before words are taken out
    if (take_word(argc, argv, "--queue")) return queue_service_main(argc, argv);
    const bool submission = take_word(argc, argv, "--submission");
    return posada::service::launcher_main(launcher(submission), argc, argv);
}
