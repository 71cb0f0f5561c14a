// SPDX-License-Identifier: BSD-2-Clause
// The filter of a child whose parent is confined already. The kernel asks both; so this one only has to name the calls
// that the parent may make and the child may not, or not so. A fifth of the instructions, which the kernel translates
// anew for every child. Written by hand, since libseccomp cannot say "this call only with these arguments, and all
// others".
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "common/priv/seccomp.h"
#include "common/priv/seccomp_rules.h"

namespace posada::priv {

namespace {

using Program = std::vector<sock_filter>;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
constexpr std::uint32_t low_half = 0, high_half = 4;
#else
constexpr std::uint32_t low_half = 4, high_half = 0;
#endif

void add(Program& out, unsigned code, std::uint64_t k) {
    out.push_back({static_cast<std::uint16_t>(code), 0, 0, static_cast<std::uint32_t>(k)});
}

// Unless they are equal, on to what comes after `skipped` more instructions.
void unless_equal_skip(Program& out, std::uint64_t k, std::size_t skipped) {
    out.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<std::uint8_t>(skipped), static_cast<std::uint32_t>(k)});
}

// One half of an argument; what follows is reached when it is as it should be. Distances are known at the end only.
void check_half(Program& out, const ArgRule& rule, bool high) {
    const unsigned shift = high ? 32 : 0;
    const std::uint64_t mask = (rule.op == ArgRule::Op::masked_equal ? rule.mask : ~std::uint64_t{0}) >> shift;
    if ((mask & 0xffffffff) == 0) return;
    add(out, BPF_LD | BPF_W | BPF_ABS,
        offsetof(seccomp_data, args) + rule.arg * sizeof(std::uint64_t) + (high ? high_half : low_half));
    if ((mask & 0xffffffff) != 0xffffffff) add(out, BPF_ALU | BPF_AND | BPF_K, mask);
    unless_equal_skip(out, rule.value >> shift, 0);
}

// Permits the call when all conditions of the row hold; else what follows decides.
Program permitted_by(const CallRow& row) {
    Program out;
    for (const ArgRule& rule : row.args) {
        if (rule.op == ArgRule::Op::none) continue;
        check_half(out, rule, false);
        check_half(out, rule, true);
    }
    add(out, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    for (std::size_t i = 0; i < out.size(); ++i)
        if (BPF_CLASS(out[i].code) == BPF_JMP) out[i].jf = static_cast<std::uint8_t>(out.size() - i - 1);
    return out;
}

bool is_among(const CallRow& row, SandboxProfile profile) { return (row.profiles & in_profile(profile)) != 0; }

// The parent may make this call in a way that is not in the child's list.
bool differs(const char* call, SandboxProfile profile, SandboxProfile below) {
    for (const CallRow& row : allowed_calls())
        if (std::strcmp(row.call, call) == 0 && is_among(row, below) && !is_among(row, profile)) return true;
    return false;
}

// What the child may do with this call, and the end of it.
Program decision_on(const char* call, SandboxProfile profile, std::uint32_t refusal) {
    Program out;
    for (const CallRow& row : allowed_calls()) {
        if (std::strcmp(row.call, call) != 0 || !is_among(row, profile)) continue;
        const Program one = permitted_by(row);
        out.insert(out.end(), one.begin(), one.end());
    }
    add(out, BPF_RET | BPF_K, refusal);
    return out;
}

} // namespace

SeccompFilter SeccompFilter::build_on_top(SandboxProfile profile, SandboxMode mode, SandboxProfile below) {
    const std::uint32_t refusal = mode == SandboxMode::log ? SECCOMP_RET_LOG : SECCOMP_RET_TRAP;
    SeccompFilter filter;
    Program& out = filter.program_;
    add(out, BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    std::vector<std::string> done;
    for (const CallRow& row : allowed_calls()) {
        if (std::find(done.begin(), done.end(), row.call) != done.end()) continue;
        done.emplace_back(row.call);
        const int number = seccomp_syscall_resolve_name(row.call);
        if (number < 0 || !differs(row.call, profile, below)) continue;
        const Program decision = decision_on(row.call, profile, refusal);
        unless_equal_skip(out, static_cast<std::uint32_t>(number), decision.size());
        out.insert(out.end(), decision.begin(), decision.end());
    }
    add(out, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return filter;
}

} // namespace posada::priv
