// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/drop.h"

#include <cap-ng.h>
#include <grp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace posada::priv {

namespace {

constexpr unsigned long locked_securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                            SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                            SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

// Both need CAP_SETPCAP, which a container's root may lack; without it nothing here could raise a capability again
// either, since no program is exec'd with privileges (no_new_privs).
Status narrow_for_good() {
    if (capng_get_caps_process() != 0) return errno_error("reading the capabilities");
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 0) return {};
    capng_clear(CAPNG_SELECT_BOUNDS);
    if (capng_apply(CAPNG_SELECT_BOUNDS) != 0) return errno_error("dropping the bounding set");
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
    if (capng_get_caps_process() != 0) return errno_error("reading the capabilities");
    capng_clear(CAPNG_SELECT_CAPS);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0) return errno_error("clearing the capabilities");
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
    if (capng_get_caps_process() != 0) return errno_error("reading the capabilities");
    if (capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE) return not_dropped("capabilities remain");
    return {};
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
    if (uid == 0) return Error{Errc::invalid, 0, "posada runs no service and no mailbox as root"};
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
