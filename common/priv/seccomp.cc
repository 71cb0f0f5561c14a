// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/seccomp.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "common/base/fd.h"
#include "common/priv/seccomp_rules.h"

namespace posada::priv {

namespace {

struct ContextDeleter {
    void operator()(void* context) const noexcept { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ContextDeleter>;
constexpr std::size_t largest_program = BPF_MAXINSNS * sizeof(sock_filter);

Error seccomp_error(const char* what, int negative_errno) { return errno_error(what, -negative_errno); }

scmp_arg_cmp to_libseccomp(const ArgRule& rule) {
    scmp_arg_cmp out{};
    out.arg = rule.arg;
    out.op = rule.op == ArgRule::Op::equal ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ;
    out.datum_a = rule.op == ArgRule::Op::equal ? rule.value : rule.mask;
    out.datum_b = rule.op == ArgRule::Op::equal ? 0 : rule.value;
    return out;
}

// A call this architecture lacks, or libseccomp does not know, needs no rule: it meets the default action.
Status add_rule(void* context, std::uint32_t action, const char* call, std::span<const ArgRule> args) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number < 0) return {};
    scmp_arg_cmp compare[2];
    unsigned count = 0;
    for (const ArgRule& arg : args)
        if (arg.op != ArgRule::Op::none) compare[count++] = to_libseccomp(arg);
    const int rc = seccomp_rule_add_array(context, action, number, count, compare);
    return rc == 0 ? Status() : Status(seccomp_error(call, rc));
}

Status add_rules(void* context, SandboxProfile profile, SandboxMode mode) {
    for (const CallRow& row : allowed_calls())
        if ((row.profiles & in_profile(profile)) != 0)
            RETURN_IF_ERROR(add_rule(context, SCMP_ACT_ALLOW, row.call, row.args));
    if (mode == SandboxMode::log) return {}; // the default action logs those too
    for (const char* call : fatal_calls()) RETURN_IF_ERROR(add_rule(context, SCMP_ACT_KILL_PROCESS, call, {}));
    return {};
}

Result<std::vector<sock_filter>> export_program(void* context) {
    const UniqueFd fd(::memfd_create("posada-filter", MFD_CLOEXEC));
    if (!fd.valid()) return errno_error("memfd_create");
    if (const int rc = seccomp_export_bpf(context, fd.get()); rc != 0) return seccomp_error("seccomp_export_bpf", rc);
    if (::lseek(fd.get(), 0, SEEK_SET) != 0) return errno_error("lseek");
    const auto bytes = read_all(fd.get(), largest_program);
    if (!bytes) return bytes.error();
    std::vector<sock_filter> program(bytes->size() / sizeof(sock_filter));
    std::memcpy(program.data(), bytes->data(), program.size() * sizeof(sock_filter));
    return program;
}

bool is_own_pid(const sock_filter& instruction) {
    return BPF_CLASS(instruction.code) == BPF_JMP && instruction.k == own_pid_placeholder;
}

} // namespace

Result<SeccompFilter> SeccompFilter::build(SandboxProfile profile, SandboxMode mode) {
    const std::uint32_t action = SECCOMP_RET_TRAP;
    if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0)
        return Error{Errc::unavailable, errno, "no seccomp filters here; sandbox = \"off\" runs without them"};
    const Context context(seccomp_init(mode == SandboxMode::log ? SCMP_ACT_LOG : SCMP_ACT_TRAP));
    if (!context) return Error{Errc::unavailable, 0, "libseccomp does not know this architecture"};
    const std::uint32_t foreign = mode == SandboxMode::log ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS;
    if (const int rc = seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, foreign); rc != 0)
        return seccomp_error("SCMP_FLTATR_ACT_BADARCH", rc);
    if (const int rc = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2); rc != 0)
        return seccomp_error("SCMP_FLTATR_CTL_OPTIMIZE", rc);
    RETURN_IF_ERROR(add_rules(context.get(), profile, mode));
    auto program = export_program(context.get());
    if (!program) return program.error();
    SeccompFilter filter;
    filter.program_ = std::move(*program);
    return filter;
}

Status SeccompFilter::install() const {
    const auto pid = static_cast<std::uint32_t>(::getpid());
    std::vector<sock_filter> own = program_; // whose pages are shared with the parent as long as nobody writes to them
    for (sock_filter& instruction : own)
        if (is_own_pid(instruction)) instruction.k = pid;
    sock_fprog program{static_cast<unsigned short>(own.size()), own.data()};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return errno_error("seccomp filter");
    return {};
}

} // namespace posada::priv
