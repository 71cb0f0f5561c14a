// SPDX-License-Identifier: BSD-2-Clause
// The short filter of a connection's process, together with the one it inherits, against the long one that stands
// alone: both are run here, by a small machine for classic BPF, over every call number and the arguments that rules
// speak of.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>

#include <cstring>
#include <set>

#include "common/priv/seccomp.h"
#include "common/priv/seccomp_rules.h"

namespace posada::priv::testing {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t own_architecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t own_architecture = AUDIT_ARCH_AARCH64;
#endif

// The action a filter takes; only the instructions that seccomp filters are made of.
std::uint32_t run(const std::vector<sock_filter>& program, const seccomp_data& data) {
    std::uint32_t a = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const sock_filter& one = program[at];
        const auto jump = [&](bool taken) { at += taken ? one.jt : one.jf; };
        switch (one.code) {
        case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&a, reinterpret_cast<const char*>(&data) + one.k, sizeof a); break;
        case BPF_ALU | BPF_AND | BPF_K: a &= one.k; break;
        case BPF_JMP | BPF_JA: at += one.k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: jump(a == one.k); break;
        case BPF_JMP | BPF_JGT | BPF_K: jump(a > one.k); break;
        case BPF_JMP | BPF_JGE | BPF_K: jump(a >= one.k); break;
        case BPF_JMP | BPF_JSET | BPF_K: jump((a & one.k) != 0); break;
        case BPF_RET | BPF_K: return one.k;
        default: ADD_FAILURE() << "an instruction of code " << one.code; return 0;
        }
    }
    ADD_FAILURE() << "the end of the program";
    return 0;
}

// What the kernel does with several filters: the strictest answer counts (of those we use, the smallest number).
bool permitted(std::initializer_list<const SeccompFilter*> filters, const seccomp_data& data) {
    bool all = true;
    for (const SeccompFilter* filter : filters) all = all && run(filter->program(), data) == SECCOMP_RET_ALLOW;
    return all;
}

// Every value that a rule compares an argument with, its neighbours, and the same with something in the upper half.
std::vector<std::uint64_t> telling_values(unsigned arg) {
    std::set<std::uint64_t> out{0, 1, ~std::uint64_t{0}};
    for (const CallRow& row : allowed_calls())
        for (const ArgRule& rule : row.args)
            if (rule.op != ArgRule::Op::none && rule.arg == arg)
                for (const std::uint64_t value : {rule.value, rule.mask, rule.value | rule.mask})
                    out.insert({value, value + 1, value - 1, value | (std::uint64_t{1} << 40)});
    return {out.begin(), out.end()};
}

// Calls whose arguments any rule looks at.
std::set<int> with_conditions() {
    std::set<int> out;
    for (const CallRow& row : allowed_calls())
        if (row.args[0].op != ArgRule::Op::none) out.insert(seccomp_syscall_resolve_name(row.call));
    return out;
}

struct Filters {
    SeccompFilter below, alone, on_top;
};

Filters filters() {
    auto below = SeccompFilter::build(SandboxProfile::net_zygote, SandboxMode::enforce);
    auto alone = SeccompFilter::build(SandboxProfile::net_connection, SandboxMode::enforce);
    EXPECT_TRUE(below && alone);
    return {
        *below, *alone,
        SeccompFilter::build_on_top(SandboxProfile::net_connection, SandboxMode::enforce, SandboxProfile::net_zygote)};
}

TEST(SeccompOnTop, PermitsWhatBothProfilesPermit) {
    const Filters f = filters();
    std::size_t permitted_ones = 0;
    const auto compare = [&](int number, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
        seccomp_data data{};
        data.nr = number;
        data.arch = own_architecture;
        data.args[0] = a;
        data.args[1] = b;
        data.args[2] = c;
        const bool wanted = permitted({&f.below, &f.alone}, data);
        permitted_ones += wanted ? 1 : 0;
        EXPECT_EQ(permitted({&f.below, &f.on_top}, data), wanted)
            << "call " << number << "(" << a << ", " << b << ", " << c << ")";
    };
    for (int number = 0; number < 600; ++number) compare(number, 0, 0, 0);
    const auto first = telling_values(0), second = telling_values(1), third = telling_values(2);
    for (const int number : with_conditions())
        for (const std::uint64_t a : first)
            for (const std::uint64_t b : second)
                for (const std::uint64_t c : third) compare(number, a, b, c);
    EXPECT_GT(permitted_ones, 1000U);
}

TEST(SeccompOnTop, RefusesWhatOnlyTheParentMayDo) {
    const Filters f = filters();
    const auto refused = [&](long number, std::uint64_t first, std::uint64_t second) {
        seccomp_data data{};
        data.nr = static_cast<int>(number);
        data.arch = own_architecture;
        data.args[0] = first;
        data.args[1] = second;
        EXPECT_EQ(run(f.below.program(), data), static_cast<std::uint32_t>(SECCOMP_RET_ALLOW)) << number;
        EXPECT_EQ(run(f.on_top.program(), data), static_cast<std::uint32_t>(SECCOMP_RET_TRAP)) << number;
    };
    refused(SYS_clone, 17, 0);
    refused(SYS_wait4, 0, 0);
    refused(SYS_kill, 4711, 9);
    refused(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0);
    refused(SYS_landlock_restrict_self, 0, 0);
}

TEST(SeccompOnTop, IsMuchShorter) {
    const Filters f = filters();
    EXPECT_LT(f.on_top.program().size() * 3, f.alone.program().size());
}

} // namespace
} // namespace posada::priv::testing
