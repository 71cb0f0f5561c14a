// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace posada::priv {

namespace {

// What linux/landlock.h of Debian 12 (ABI 2) lacks.
constexpr std::uint64_t fs_execute = 1U << 0;
constexpr std::uint64_t fs_write_file = 1U << 1;
constexpr std::uint64_t fs_read_file = 1U << 2;
constexpr std::uint64_t fs_read_dir = 1U << 3;
constexpr std::uint64_t fs_remove_dir = 1U << 4;
constexpr std::uint64_t fs_remove_file = 1U << 5;
constexpr std::uint64_t fs_make_dir = 1U << 7;
constexpr std::uint64_t fs_make_reg = 1U << 8;
constexpr std::uint64_t fs_refer = 1U << 13;     // ABI 2
constexpr std::uint64_t fs_truncate = 1U << 14;  // ABI 3
constexpr std::uint64_t fs_ioctl_dev = 1U << 15; // ABI 5
constexpr std::uint64_t fs_all_of_abi_1 = (1U << 13) - 1;
constexpr std::uint64_t net_bind_tcp = 1U << 0; // ABI 4
constexpr std::uint64_t net_connect_tcp = 1U << 1;
constexpr std::uint64_t scope_abstract_unix = 1U << 0; // ABI 6
constexpr std::uint64_t scope_signal = 1U << 1;
static_assert(fs_execute == LANDLOCK_ACCESS_FS_EXECUTE && fs_refer == LANDLOCK_ACCESS_FS_REFER);

// landlock_ruleset_attr as of ABI 6; an older kernel is told of a shorter one.
struct RulesetAttr {
    std::uint64_t handled_fs;
    std::uint64_t handled_net;
    std::uint64_t scoped;
};

std::size_t attr_size(int abi) {
    if (abi >= 6) return sizeof(RulesetAttr);
    return abi >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

std::uint64_t file_rights(int abi) {
    std::uint64_t rights = fs_all_of_abi_1;
    if (abi >= 2) rights |= fs_refer;
    if (abi >= 3) rights |= fs_truncate;
    if (abi >= 5) rights |= fs_ioctl_dev;
    return rights;
}

RulesetAttr ruleset_attr(int abi, LandlockNet net) {
    RulesetAttr attr{file_rights(abi), 0, 0};
    if (abi >= 4) attr.handled_net = net == LandlockNet::deny ? net_bind_tcp | net_connect_tcp : net_bind_tcp;
    if (abi >= 6) attr.scoped = scope_abstract_unix | scope_signal;
    return attr;
}

std::uint64_t granted(LandlockAccess access, int abi) {
    const std::uint64_t reading = fs_read_file | fs_read_dir;
    if (access == LandlockAccess::read_only) return reading;
    const std::uint64_t writing =
        fs_write_file | fs_remove_dir | fs_remove_file | fs_make_dir | fs_make_reg | fs_refer | fs_truncate;
    return (reading | writing) & file_rights(abi);
}

int kernel_abi() {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : static_cast<int>(abi);
}

Status add_rule(int ruleset, const LandlockRule& rule, int abi) {
    struct stat st {};
    if (::fstat(rule.path_fd, &st) != 0) return errno_error("Landlock rule");
    std::uint64_t rights = granted(rule.access, abi);
    // The kernel refuses directory rights on a file.
    if (!S_ISDIR(st.st_mode)) rights &= fs_read_file | fs_write_file | fs_truncate;
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = rights;
    beneath.parent_fd = rule.path_fd;
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
        return errno_error("landlock_add_rule");
    return {};
}

} // namespace

int landlock_abi() {
    const int abi = kernel_abi();
    const char* wanted = ::getenv("POSADA_LANDLOCK_ABI_MAX");
    if (wanted == nullptr) return abi;
    int cap = abi;
    std::from_chars(wanted, wanted + std::strlen(wanted), cap);
    return std::clamp(cap, 0, abi);
}

Result<UniqueFd> make_landlock_ruleset(std::span<const LandlockRule> rules, LandlockNet net) {
    const int abi = landlock_abi();
    if (abi < 1) return Error{Errc::unavailable, 0, "this kernel has no Landlock"};
    if (abi < 2 && !rules.empty())
        return Error{Errc::unavailable, 0, "Landlock ABI 1 cannot permit a rename into another directory"};
    const RulesetAttr attr = ruleset_attr(abi, net);
    UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi), 0)));
    if (!ruleset.valid()) return errno_error("landlock_create_ruleset");
    for (const LandlockRule& rule : rules) RETURN_IF_ERROR(add_rule(ruleset.get(), rule, abi));
    return ruleset;
}

Status landlock_restrict_self(int ruleset_fd) {
    if (::syscall(SYS_landlock_restrict_self, ruleset_fd, 0) != 0) return errno_error("landlock_restrict_self");
    return {};
}

} // namespace posada::priv
