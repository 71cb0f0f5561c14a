// SPDX-License-Identifier: BSD-2-Clause
// What the demo prints: one line per service that works when it is pasted into a shell.
#include "ctl/demo.h"

#include <unistd.h>

namespace posada::ctl {

namespace {

// For sh: 'it'\''s'
std::string shell(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string address(const DemoService& service) { return std::string(demo_host) + ":" + std::to_string(service.port); }

std::string login(const DemoUser& user) { return shell(user.name + ":" + user.password); }

// A message from standard input; curl turns its line ends into CRLF.
std::string send_line(std::string_view url, const std::string& from, const std::string& options) {
    const std::string domain(demo_domain);
    return "printf 'From: " + from + "\\nTo: lir@" + domain +
           "\\nSubject: Hola\\n\\nHola, lir.\\n' | curl -sS --crlf " + options + "--mail-from " + from +
           " --mail-rcpt lir@" + domain + " -T - " + std::string(url);
}

std::string smtp_lines(const Demo& demo) {
    const std::string ca = "--cacert " + shell(demo.path("tls/ca.pem")) + " ";
    const DemoUser& daniel = demo.users[0];
    const std::string from = daniel.name + "@" + std::string(demo_domain);
    const std::string user = "--user " + login(daniel) + " ";
    return "# smtp: mail from outside\n" + send_line("smtp://" + address(demo.service("smtp")), "you@example.org", "") +
           "\n# submission: daniel logs in over STARTTLS and writes to lir\n" +
           send_line("smtp://" + address(demo.service("submission")), from, "--ssl-reqd " + ca + user) +
           "\n# submissions: the same, TLS from the first byte\n" +
           send_line("smtps://" + address(demo.service("submissions")), from, ca + user) + "\n";
}

std::string pop3_lines(const Demo& demo) {
    const std::string ca = "--cacert " + shell(demo.path("tls/ca.pem")) + " ";
    const std::string user = "--user " + login(demo.users[1]) + " ";
    const DemoService& plain = demo.service("pop3");
    return "# pop3: what has arrived for lir (add the number of a message to read it: .../1)\n"
           "curl -sS --ssl-reqd " +
           ca + user + "pop3://" + address(plain) + "/\n# pop3s: the same, TLS from the first byte\ncurl -sS " + ca +
           user + "pop3s://" + address(demo.service("pop3s")) + "/\n";
}

std::string ftp_lines(const Demo& demo) {
    const std::string ca = "--cacert " + shell(demo.path("tls/ca.pem")) + " ";
    const std::string user = "--user " + login(demo.users[0]) + " ";
    return "# ftp: daniel puts a file there; both connections are encrypted\n"
           "printf 'Hola\\n' | curl -sS --ssl-reqd " +
           ca + user + "-T - ftp://" + address(demo.service("ftp")) +
           "/hola.txt\n# ftps: what he has there, TLS from the first byte\ncurl -sS " + ca + user + "ftps://" +
           address(demo.service("ftps")) + "/\n";
}

std::string by_hand(const Demo& demo) {
    return "# by hand: USER lir, PASS " + demo.users[1].password +
           ", LIST, RETR 1, QUIT; or HELP on the mail port\ntelnet " + std::string(demo_host) + " " +
           std::to_string(demo.service("pop3").port) + "\ntelnet " + std::string(demo_host) + " " +
           std::to_string(demo.service("smtp").port) + "\n";
}

std::string status_line(const Demo& demo) {
    std::string program(4096, '\0');
    const ssize_t n = ::readlink("/proc/self/exe", program.data(), program.size());
    program.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return "# what runs\n" + shell(program) + " status --control " + shell(demo.run_dir() + "/control.sock") + "\n";
}

} // namespace

std::string demo_text(const Demo& demo) {
    std::string out = "posada demo on " + std::string(demo_host) + ", mail domain " + std::string(demo_domain) + ", ";
    out +=
        ::geteuid() == 0 ? "every service under uids of its own\n" : "all under your own uid: sandbox only, no PAM\n";
    for (const DemoUser& user : demo.users) out += "user " + user.name + ", password " + user.password + "\n";
    out += "files in " + demo.dir + (demo.data_dir == demo.dir ? "" : ", mail in " + demo.data_dir) +
           "; log: " + demo.path("log") + "\n\nPaste these into another terminal:\n\n";
    return out + smtp_lines(demo) + pop3_lines(demo) + ftp_lines(demo) + by_hand(demo) + status_line(demo) +
           "\n^C stops everything" +
           (demo.options.keep || (!demo.dir_is_temporary && !demo.dir_was_made) ? "." : " and removes the files.") +
           "\n";
}

} // namespace posada::ctl
