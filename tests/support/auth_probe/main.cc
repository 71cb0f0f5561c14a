// SPDX-License-Identifier: BSD-2-Clause
// auth-probe PAM-SERVICE RIP USER [DEADLINE-MS] <password: one PAM login the way a monitor makes it, in a worker with a
// deadline. Prints one line: "accepted NAME uid=N", "refused REASON hashes=N (DETAIL)", "unavailable REASON (DETAIL)",
// "timeout".
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "common/auth/pam.h"
#include "common/auth/worker.h"
#include "common/base/fd.h"
#include "common/base/text.h"

using namespace posada;

static std::string decide_here(const auth::Attempt& attempt) {
    auth::PamBackend pam(1000);
    auth::Backend* const backends[] = {&pam};
    auth::Hasher hasher(1);
    auth::Decision decision = auth::decide(backends, attempt, hasher);
    if (decision.outcome == auth::Outcome::refused) decision.reason += " hashes=" + std::to_string(hasher.calls());
    return auth::encode_decision(decision);
}

static std::string text_of(const Result<std::string>& bytes) {
    if (!bytes) return "died: " + bytes.error().describe();
    const auto decision = auth::decode_decision(*bytes);
    if (!decision) return "malformed: " + decision.error().describe();
    const std::string detail = decision->detail.empty() ? "" : " (" + decision->detail + ")";
    switch (decision->outcome) {
    case auth::Outcome::accepted:
        return "accepted " + decision->account.name + " uid=" + std::to_string(decision->account.uid);
    case auth::Outcome::refused: return "refused " + decision->reason + detail;
    case auth::Outcome::unknown: return "unknown";
    case auth::Outcome::unavailable: return "unavailable " + decision->reason + detail;
    }
    return "?";
}

static std::string wait_for(auth::Worker& worker, int milliseconds) {
    const SystemClock clock;
    const Instant end = clock.now() + Millis(milliseconds);
    while (clock.now() < end) {
        pollfd ready{worker.fd(), POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>((end - clock.now()).count())) <= 0) continue;
        if (const auto result = worker.read()) return text_of(*result);
    }
    return "timeout";
}

int main(int argc, char** argv) {
    if (argc < 4 || argc > 5) return 64;
    auto password = read_all(STDIN_FILENO, 4096);
    if (!password) return 71;
    if (!password->empty() && password->back() == '\n') password->pop_back();
    auth::Attempt attempt;
    attempt.pam_service = argv[1];
    attempt.service = "pop3d";
    attempt.rip = argv[2];
    attempt.user = argv[3];
    attempt.password = *password;
    const auto deadline = static_cast<int>(argc == 5 ? parse_uint(argv[4]).value_or(0) : 30'000);
    auth::WorkerPool pool(1, Seconds(60), -1);
    auto worker = pool.start([&] { return decide_here(attempt); });
    if (!worker) return 71;
    std::puts(wait_for(**worker, deadline).c_str());
    return 0;
}
