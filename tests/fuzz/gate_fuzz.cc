// SPDX-License-Identifier: BSD-2-Clause
// RequestGate against a plain restatement of its rules: the input is a series of requests {type, payload size (2),
// descriptors, how it is answered} to one session; the gate must admit exactly what the rules allow, in any order.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "common/priv/request.h"

using namespace posada;
using namespace posada::priv;

namespace {

constexpr std::array<RequestInfo, 5> table{{
    {.type = 2, .name = "anytime", .max_bytes = 100},
    {.type = 4, .name = "before_once", .phases = 1, .once = true, .max_bytes = 20, .fds_out = 1, .then = 2},
    {.type = 6, .name = "after", .phases = 2, .fds_in = 2, .then = 1},
    {.type = 8, .name = "after_once", .phases = 2, .once = true, .max_bytes = 60000, .fds_in = 1},
    {.type = 300, .name = "large_type", .once = true, .max_bytes = 1, .then = 4},
}};

void require(bool condition) {
    if (!condition) std::abort();
}

bool allowed(const Message& m, Phase phase, const std::vector<bool>& used, std::size_t* row) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        const RequestInfo& r = table[i];
        if (r.type != m.type) continue;
        *row = i;
        return (r.phases & phase) != 0 && !(r.once && used[i]) && m.payload.size() <= r.max_bytes &&
               m.fds.size() == r.fds_in;
    }
    return false;
}

void step(const std::uint8_t* p, RequestGate& gate, std::vector<bool>& used) {
    Message m;
    m.type = p[0] == 255 ? 300 : p[0];
    m.payload.assign((static_cast<std::size_t>(p[1]) << 8 | p[2]) % 61000, 'x');
    m.fds.resize(p[3] % 4); // none of them open: the gate only counts
    std::size_t row = 0;
    const bool expected = allowed(m, gate.phase(), used, &row);
    const auto admitted = gate.admit(m);
    require(admitted.ok() == expected);
    if (!expected) return require(admitted.error().code == Errc::protocol && !admitted.error().text.empty());
    used[row] = true;
    const bool success = (p[4] & 1) != 0;
    const Phase wanted = success && table[row].then != 0 ? table[row].then : gate.phase();
    gate.answered(m.type, success ? encode_ok() : encode_failure(Error{}));
    require(gate.phase() == wanted);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    RequestGate gate(table);
    std::vector<bool> used(table.size(), false);
    for (std::size_t at = 0; at + 5 <= size; at += 5) step(data + at, gate, used);
    return 0;
}
