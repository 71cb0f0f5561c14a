// SPDX-License-Identifier: BSD-2-Clause
// A disk that fails: the scripted delivery runs again and again, and each time another call that changes something
// below the spool or a mailbox fails: with EIO, with ENOSPC. Whatever was acknowledged must be delivered once the host
// has been started again, whole and once; a full disk must not stop the queue for good. Last line: "faults=N
// violations=N".
#include <errno.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "tests/crash/mail_host.h"
#include "tests/crash/recorder.h"
#include "tests/crash/scratch.h"

using namespace posada;
using namespace posada::crash;

namespace {

const std::string sender = "lir@micasa.test";
constexpr std::size_t small_size = 1'500;
constexpr std::size_t large_size = 300 * 1024;
constexpr unsigned last_token = 7;

std::size_t size_of(unsigned token) { return token == 3 ? large_size : small_size; }

// Goes on as long as the queue does: an error of flush() ends the process in real life.
Status script(const std::string& root) {
    auto host = MailHost::open(root);
    if (!host) return host.error();
    (*host)->submit(1, {"daniel"}, size_of(1), sender);
    (*host)->submit(2, {"daniel"}, size_of(2), sender);
    RETURN_IF_ERROR((*host)->flush());
    RETURN_IF_ERROR((*host)->deliver_all());
    for (unsigned token = 3; token < last_token; ++token) (*host)->submit(token, {"daniel"}, size_of(token), sender);
    RETURN_IF_ERROR((*host)->flush());
    RETURN_IF_ERROR((*host)->deliver_all());
    RETURN_IF_ERROR((*host)->checkpoint());
    (*host)->submit(last_token, {"daniel"}, size_of(last_token), sender);
    RETURN_IF_ERROR((*host)->flush());
    return (*host)->deliver_all();
}

std::set<unsigned> acknowledged(const Recording& recording) {
    std::set<unsigned> tokens;
    for (const Event& event : recording.events)
        if (event.kind == Event::Kind::mark && event.name.rfind("ack ", 0) == 0)
            tokens.insert(static_cast<unsigned>(std::strtoul(event.name.c_str() + 4, nullptr, 10)));
    return tokens;
}

Status recover(const std::string& root) {
    auto host = MailHost::open(root);
    if (!host) return host.error();
    RETURN_IF_ERROR((*host)->deliver_all());
    return (*host)->retry_deferred();
}

std::string judge(const std::string& root, const std::set<unsigned>& acked) {
    std::map<unsigned, unsigned> copies;
    for (const auto& entry : std::filesystem::directory_iterator(root + "/daniel/new")) {
        const auto text = read_file(entry.path(), 1 << 20);
        const std::size_t at = text ? text->find("X-Token: ") : std::string::npos;
        if (at == std::string::npos) return "a message without its token";
        const auto token = static_cast<unsigned>(std::strtoul(text->c_str() + at + 9, nullptr, 10));
        if (*text != MailHost::stored_form(token, size_of(token), sender)) return "a half-written message";
        if (++copies[token] > 1) return "message " + std::to_string(token) + " is there twice";
    }
    for (const unsigned token : acked)
        if (copies[token] == 0) return "message " + std::to_string(token) + " was acknowledged and is lost";
    return {};
}

struct Tally {
    unsigned long faults = 0;
    unsigned long violations = 0;
    unsigned long survived = 0; // the queue went on
};

// False: the script needed fewer calls than that.
bool fail_at(const Scratch& scratch, unsigned long at, int error, Tally& tally) {
    const std::string root = scratch.fresh("root");
    start_recording(root);
    plan_fault(at, error);
    const Status ran = script(root);
    const bool happened = fault_happened();
    plan_fault(0, 0);
    const Recording recording = stop_recording();
    const Status recovered = recover(root);
    const std::string wrong =
        recovered ? judge(root, acknowledged(recording)) : "recovery failed: " + recovered.error().describe();
    ++tally.faults;
    tally.survived += ran.ok() ? 1 : 0;
    if (!wrong.empty()) {
        ++tally.violations;
        std::printf("violation: call %lu fails with %s: %s\n", at, error == EIO ? "EIO" : "ENOSPC", wrong.c_str());
    }
    return happened;
}

} // namespace

int main() {
    const Scratch scratch;
    Tally tally;
    for (const int error : {EIO, ENOSPC}) {
        tally.survived = 0;
        unsigned long at = 1;
        while (fail_at(scratch, at, error, tally)) ++at;
        std::printf("%s at each of %lu calls: the queue went on %lu times\n", error == EIO ? "EIO" : "ENOSPC", at - 1,
                    tally.survived);
    }
    std::printf("faults=%lu violations=%lu\n", tally.faults, tally.violations);
    return tally.violations == 0 ? 0 : 1;
}
