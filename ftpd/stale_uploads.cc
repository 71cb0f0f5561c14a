// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/stale_uploads.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "common/store/directory.h"

namespace posada::ftpd {

namespace {

constexpr std::size_t random_octets = 8;
constexpr UnixTime settled_after = 60; // a file is made first and held then

bool is_upload_name(std::string_view name) {
    if (!name.starts_with(upload_prefix)) return false;
    const auto random = unhex(name.substr(upload_prefix.size()));
    return random && random->size() == random_octets;
}

bool is_stale(int directory, const std::string& name, UnixTime now) {
    const UniqueFd file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat st {};
    if (!file.valid() || ::fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
    return st.st_mtime < now - settled_after && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

} // namespace

std::string new_upload_name() {
    char bytes[random_octets];
    if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return {};
    return std::string(upload_prefix) + hex({bytes, sizeof bytes});
}

// The lock belongs to the open file, which the net process has too: it ends with the last of the two.
void hold_upload(int fd) { (void)::flock(fd, LOCK_EX | LOCK_NB); }

unsigned remove_stale_uploads(int directory, UnixTime now) {
    unsigned removed = 0;
    const auto names = store::dot_names(directory, "uploads");
    if (!names) return 0;
    for (const std::string& name : *names)
        if (is_upload_name(name) && is_stale(directory, name, now) && ::unlinkat(directory, name.c_str(), 0) == 0)
            ++removed;
    return removed;
}

} // namespace posada::ftpd
