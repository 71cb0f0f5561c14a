// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/uidlist_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "common/base/text.h"
#include "common/store/file_lock.h"

namespace posada::store {

namespace {

constexpr Millis first_pause{2};
constexpr Millis longest_pause{50};

std::string own_host() {
    char name[256] = "";
    (void)::gethostname(name, sizeof name - 1);
    return name;
}

// Only a process of this host can be seen to be dead.
bool holder_is_dead(int fd) {
    char text[300];
    const ssize_t n = ::pread(fd, text, sizeof text, 0);
    const std::string_view content(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    const std::size_t colon = content.find(':');
    const auto pid = parse_uint(content.substr(0, colon));
    if (colon == std::string_view::npos || !pid || *pid == 0 || *pid > 0x7fff'ffff) return false;
    return content.substr(colon + 1) == own_host() && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH;
}

bool is_old(const struct stat& st) {
    return std::abs(::time(nullptr) - st.st_mtim.tv_sec) > uidlist_lock_stale.count();
}

// Whoever made it died before he could say who he is: nobody takes seconds for that.
bool is_blank(const struct stat& st) {
    constexpr auto blank_stale = 2;
    return st.st_size == 0 && std::abs(::time(nullptr) - st.st_mtim.tv_sec) > blank_stale;
}

// Takes away the lock of somebody who is no more. The lock on the file keeps two of us from taking away one after the
// other, the second one that of the first.
void remove_stale(const Maildir& maildir) {
    const UniqueFd fd(::openat(maildir.root(), uidlist_lock_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat seen {};
    struct stat named {};
    if (!fd.valid() || ::fstat(fd.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return;
    if (!try_lock_file(fd.get()) || (!holder_is_dead(fd.get()) && !is_blank(seen) && !is_old(seen))) return;
    if (::fstatat(maildir.root(), uidlist_lock_name, &named, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (named.st_ino == seen.st_ino) maildir.ops().unlink_at(maildir.root(), uidlist_lock_name, 0);
}

} // namespace

Result<UidlistLock> UidlistLock::acquire(const Maildir& maildir, Millis wait) {
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const SystemClock clock;
    const Instant deadline = clock.now() + wait;
    for (Millis pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
        UniqueFd fd(maildir.ops().open_at(maildir.root(), uidlist_lock_name, flags, 0600));
        if (fd.valid()) {
            UidlistLock lock(maildir, std::move(fd));
            (void)try_lock_file(lock.fd_.get());
            RETURN_IF_ERROR(write_all(maildir.ops(), lock.fd_.get(), std::to_string(::getpid()) + ":" + own_host()));
            return lock;
        }
        if (errno != EEXIST) return errno_error(uidlist_lock_name);
        remove_stale(maildir);
        if (clock.now() >= deadline) return Error{Errc::busy, 0, std::string(uidlist_lock_name) + " is held"};
        std::this_thread::sleep_for(std::min(pause, deadline - clock.now() + Millis(1)));
    }
}

UidlistLock::UidlistLock(UidlistLock&& other) noexcept : maildir_(other.maildir_), fd_(std::move(other.fd_)) {}

UidlistLock::~UidlistLock() {
    if (fd_.valid()) maildir_->ops().unlink_at(maildir_->root(), uidlist_lock_name, 0);
}

} // namespace posada::store
