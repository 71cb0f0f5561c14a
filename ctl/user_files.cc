// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/user_files.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posada::ctl {

namespace {

Status make_parents(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        if (::mkdir(parent.c_str(), 0711) == 0) {
            // Users must pass through whatever the umask is.
            if (::chmod(parent.c_str(), 0711) != 0) return errno_error("cannot make " + parent);
        } else if (errno != EEXIST) {
            return errno_error("cannot make " + parent);
        }
    }
    return {};
}

Status check_existing_home(const auth::UserEntry& entry) {
    struct stat st {};
    if (::lstat(entry.home.c_str(), &st) != 0) return errno_error(entry.home);
    if (S_ISDIR(st.st_mode) && st.st_uid == entry.uid) return {};
    return Error{Errc::exists, 0,
                 entry.home + " exists and belongs to uid " + std::to_string(st.st_uid) +
                     ": move it away, or give another --home"};
}

} // namespace

std::string virtual_home(const service::CommonOptions& options, std::string_view name) {
    const std::string& domain = options.mail.domains.empty() ? options.hostname : options.mail.domains.front();
    return options.paths.mail_directory() + "/" + domain + "/" + std::string(name);
}

Status give_ids(const auth::UsersFileEdit& edit, const service::CommonOptions& options, auth::UserEntry& entry) {
    if (::geteuid() != 0) {
        entry.uid = ::geteuid();
        entry.gid = ::getegid();
        return {};
    }
    auto first = static_cast<uid_t>(options.auth.virtual_uids.first);
    const auto last = static_cast<uid_t>(options.auth.virtual_uids.last);
    for (;;) {
        const auto uid = edit.allocate_uid(first, last);
        if (!uid) return uid.error();
        entry.uid = *uid;
        entry.gid = *uid;
        if (::getpwuid(*uid) == nullptr) return {};
        first = *uid + 1;
    }
}

Status make_home(const auth::UserEntry& entry) {
    RETURN_IF_ERROR(make_parents(entry.home));
    if (::mkdir(entry.home.c_str(), 0700) != 0) {
        if (errno == EEXIST) return check_existing_home(entry);
        return errno_error("cannot make " + entry.home);
    }
    if (::geteuid() == 0 && ::lchown(entry.home.c_str(), entry.uid, entry.gid) != 0)
        return errno_error("cannot give " + entry.home + " to its user");
    return {};
}

} // namespace posada::ctl
