// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/drop.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace posada::priv {

namespace {

constexpr unsigned long locked_securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                            SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                            SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

// The kernel's own form: libcap-ng reads /proc/self/status at each step, which made up half of a login's work here.
struct Capabilities {
    __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3] = {}; // effective, permitted, inheritable: 64 bits each

    static Result<Capabilities> of_this_process() {
        Capabilities out;
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        if (::syscall(SYS_capget, &header, out.words) != 0) return errno_error("reading the capabilities");
        return out;
    }
    [[nodiscard]] bool effective(unsigned capability) const {
        return (words[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
    }
    [[nodiscard]] bool none() const {
        return std::all_of(std::begin(words), std::end(words),
                           [](const auto& w) { return (w.effective | w.permitted | w.inheritable) == 0; });
    }
};

// Those the kernel knows, newer ones than our headers' among them.
Status drop_bounding_set() {
    unsigned long capability = 0;
    while (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) ++capability;
    if (errno != EINVAL || capability <= CAP_SETPCAP) return errno_error("dropping the bounding set");
    return {};
}

// Both need CAP_SETPCAP, which a container's root may lack; without it nothing here could raise a capability again
// either, since no program is exec'd with privileges (no_new_privs).
Status narrow_for_good() {
    const auto have = Capabilities::of_this_process();
    if (!have) return have.error();
    if (!have->effective(CAP_SETPCAP)) return {};
    RETURN_IF_ERROR(drop_bounding_set());
    if (::prctl(PR_SET_SECUREBITS, locked_securebits, 0, 0, 0) != 0) return errno_error("PR_SET_SECUREBITS");
    return {};
}

Status change_ids(uid_t uid, gid_t gid, std::span<const gid_t> groups) {
    if (::setgroups(groups.size(), groups.data()) != 0) return errno_error("setgroups");
    if (::setresgid(gid, gid, gid) != 0) return errno_error("setresgid");
    if (::setresuid(uid, uid, uid) != 0) return errno_error("setresuid");
    return {};
}

Status clear_capabilities() {
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return errno_error("clearing ambient capabilities");
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const Capabilities none;
    if (::syscall(SYS_capset, &header, none.words) != 0) return errno_error("clearing the capabilities");
    return {};
}

Error not_dropped(const char* what) { return Error{Errc::denied, 0, std::string("privileges not dropped: ") + what}; }

Status verify_ids(uid_t uid, gid_t gid) {
    uid_t u[3];
    gid_t g[3];
    if (::getresuid(&u[0], &u[1], &u[2]) != 0 || ::getresgid(&g[0], &g[1], &g[2]) != 0) return errno_error("getresuid");
    if (std::count(u, u + 3, uid) != 3) return not_dropped("a uid differs");
    if (std::count(g, g + 3, gid) != 3) return not_dropped("a gid differs");
    return {};
}

Status verify_groups(std::span<const gid_t> groups) {
    std::vector<gid_t> have(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
    const int n = ::getgroups(static_cast<int>(have.size()), have.data());
    std::vector<gid_t> want(groups.begin(), groups.end());
    std::sort(want.begin(), want.end());
    std::sort(have.begin(), have.end());
    if (n != static_cast<int>(want.size()) || have != want) return not_dropped("a supplementary group remains");
    return {};
}

Status verify_no_way_back() {
    if (::setresuid(0, 0, 0) == 0 || ::seteuid(0) == 0) return not_dropped("uid 0 can be had again");
    if (::setgroups(0, nullptr) == 0) return not_dropped("groups can still be changed");
    const auto have = Capabilities::of_this_process();
    if (!have) return have.error();
    return have->none() ? Status() : Status(not_dropped("capabilities remain"));
}

Status set_limit(__rlimit_resource resource, std::uint64_t value) {
    if (value == ProcessLimits::keep) return {};
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return errno_error("getrlimit");
    limit.rlim_cur = limit.rlim_max = std::min<rlim_t>(value, limit.rlim_max);
    if (::setrlimit(resource, &limit) != 0) return errno_error("setrlimit");
    return {};
}

} // namespace

Status become_user(uid_t uid, gid_t gid, std::span<const gid_t> groups) {
    if (::geteuid() != 0) {
        RETURN_IF_ERROR(verify_ids(uid, gid));
        return clear_capabilities();
    }
    if (uid == 0) return Error{Errc::invalid, 0, "posada runs no net program and no agent as root"};
    RETURN_IF_ERROR(narrow_for_good());
    RETURN_IF_ERROR(change_ids(uid, gid, groups));
    RETURN_IF_ERROR(clear_capabilities());
    RETURN_IF_ERROR(verify_ids(uid, gid));
    RETURN_IF_ERROR(verify_groups(groups));
    return verify_no_way_back();
}

Status harden_process() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("PR_SET_NO_NEW_PRIVS");
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error("PR_SET_DUMPABLE");
    return set_limit(RLIMIT_CORE, 0);
}

Status limit_process(const ProcessLimits& limits) {
    if (limits.file_size != ProcessLimits::keep) ::signal(SIGXFSZ, SIG_IGN);
    RETURN_IF_ERROR(set_limit(RLIMIT_NOFILE, limits.open_files));
    RETURN_IF_ERROR(set_limit(RLIMIT_FSIZE, limits.file_size));
    return set_limit(RLIMIT_NPROC, limits.processes);
}

} // namespace posada::priv
