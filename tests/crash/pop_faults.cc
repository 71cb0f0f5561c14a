// SPDX-License-Identifier: BSD-2-Clause
// A mailbox on a failing disk: the scripted deliveries and POP3 sessions run again and again, and each time another
// call that changes something fails: with EIO, with ENOSPC. Then a disk that is full and stays so: who logs in reads
// what is there, with the ids it had. Nothing acknowledged is lost, nothing deleted comes back, no id changes.
// Last line: "faults=N violations=N".
#include <errno.h>

#include <cstdio>

#include "tests/crash/pop_host.h"
#include "tests/crash/recorder.h"
#include "tests/crash/scratch.h"

using namespace posada;
using namespace posada::crash;

namespace {

struct Tally {
    unsigned long faults = 0;
    unsigned long violations = 0;
    void judge(const std::string& where, const std::string& wrong) {
        ++faults;
        if (wrong.empty()) return;
        ++violations;
        std::printf("violation: %s: %s\n", where.c_str(), wrong.c_str());
    }
};

// False: the script needed fewer calls than that.
bool fail_at(const Scratch& scratch, unsigned long at, int error, Tally& tally) {
    const std::string root = scratch.fresh("root");
    History history;
    PopHost host(root, [&](const std::string& mark) { history.note(mark); });
    start_recording(root);
    plan_fault(at, error);
    static_cast<void>(pop_script(host, true));
    const bool happened = fault_happened();
    plan_fault(0, 0);
    stop_recording();
    tally.judge("call " + std::to_string(at) + " fails with " + (error == EIO ? "EIO" : "ENOSPC"), history.judge(root));
    return happened;
}

// What happens on a full disk; "" = what should.
std::string on_full_disk(PopHost& host, History& history, bool new_mail) {
    let_time_pass(host.maildir());
    PopSession session(host.maildir());
    const auto found = session.open();
    if (!found) return "no login: " + found.error().describe();
    const std::size_t least = new_mail ? 3 : 2; // what has its id already
    if (found->size() < least) return "only " + std::to_string(found->size()) + " messages are shown";
    for (const Seen& seen : *found) history.note("uidl " + std::to_string(seen.token) + " " + seen.uidl);
    history.note("asked " + std::to_string(found->front().token));
    if (session.quit({0})) history.note("gone " + std::to_string(found->front().token));
    const auto refused = host.deliver(20, 20);
    return refused ? "a delivery was acknowledged" : "";
}

void full_disk(const Scratch& scratch, bool new_mail, Tally& tally) {
    const std::string root = scratch.fresh("root");
    History history;
    PopHost host(root, [&](const std::string& mark) { history.note(mark); });
    Status status = host.create();
    if (status) status = host.deliver(1, 3);
    if (status) status = host.session({1}, {});
    if (status && new_mail) status = host.deliver(4, 5);
    start_recording(root);
    fill_disk(true);
    std::string wrong = status ? on_full_disk(host, history, new_mail) : status.error().describe();
    fill_disk(false);
    stop_recording();
    if (wrong.empty()) wrong = history.judge(root);
    tally.judge(new_mail ? "full disk, and mail without an id" : "full disk", wrong);
}

} // namespace

int main() {
    const Scratch scratch;
    Tally tally;
    for (const int error : {EIO, ENOSPC})
        for (unsigned long at = 1; fail_at(scratch, at, error, tally);) ++at;
    full_disk(scratch, false, tally);
    full_disk(scratch, true, tally);
    std::printf("faults=%lu violations=%lu\n", tally.faults, tally.violations);
    return tally.violations == 0 ? 0 : 1;
}
