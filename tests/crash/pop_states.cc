// SPDX-License-Identifier: BSD-2-Clause
// Every crash state of a mailbox that is delivered to and read by POP3 (states_run.h has the options): what may be on
// the disk after a power failure at each step, and the same with the list of ids lost, or its copy. Mail stays, deleted
// mail stays deleted, and an id a client has seen stays with its message.
#include "tests/crash/pop_host.h"
#include "tests/crash/states_run.h"

using namespace posada;
using namespace posada::crash;

namespace {

// Where the script is: a sync means another thing while QUIT deletes, and before there is a list of ids.
struct Moment {
    bool listed = false;
    bool quitting = false;
};

bool ends_with(const std::string& text, std::string_view tail) {
    return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}
bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
bool is_folder(const std::string& path) { return ends_with(path, "/new") || ends_with(path, "/cur"); }

Mutation missing(std::string_view name, bool (*is_it)(const std::string& path, const Moment& moment)) {
    return {name, [is_it, moment = Moment()](const Event& event, const std::string& path) mutable {
                moment.listed |= event.kind == Event::Kind::create && holds(path, "dovecot-uidlist.new");
                if (event.kind == Event::Kind::mark) moment.quitting = event.name.rfind("asked ", 0) == 0;
                return is_it(path, moment);
            }};
}

const std::vector<Mutation> mutations = {
    missing("ids", [](const std::string& p, const Moment&) { return holds(p, "dovecot-uidlist"); }),
    missing("ids-copy", [](const std::string& p, const Moment&) { return holds(p, "posada-uidlist"); }),
    missing("ids-name", [](const std::string& p, const Moment& m) { return p == "Maildir" && m.listed; }),
    missing("expunge", [](const std::string& p, const Moment& m) { return is_folder(p) && m.quitting; }),
    missing("mail-name", [](const std::string& p, const Moment& m) { return is_folder(p) && !m.quitting; }),
    missing("mail-data", [](const std::string& p, const Moment&) { return holds(p, "/tmp/"); }),
    {"mail-batch", [](const Event& e, const std::string&) { return e.kind == Event::Kind::sync_all; }},
    missing("maildir", [](const std::string& p, const Moment& m) { return p == "Maildir" && !m.listed; }),
};

Status script(const std::string& root) {
    PopHost host(root, [](const std::string& mark) { record_mark(mark); });
    return pop_script(host);
}

std::vector<std::string> judge(const std::string& root, const std::vector<std::string>& marks) {
    History history;
    for (const std::string& mark : marks) history.note(mark);
    std::string wrong = history.judge(root);
    return wrong.empty() ? std::vector<std::string>() : std::vector<std::string>{std::move(wrong)};
}

} // namespace

int main(int argc, char** argv) {
    return run_states(argc, argv, {mutations, script, judge, {"Maildir/dovecot-uidlist", "Maildir/posada-uidlist"}});
}
