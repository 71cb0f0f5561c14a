// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/accounts.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/auth/users_file.h"
#include "common/base/text.h"

namespace posada::auth {

AccountNames::AccountNames(std::vector<std::string> names) : names_(std::move(names)) {
    std::sort(names_.begin(), names_.end());
}

Result<AccountNames> AccountNames::load(const std::string& users_file) {
    const auto file = UsersFile::load(users_file);
    if (!file) return file.error();
    std::vector<std::string> names;
    for (const UserEntry& entry : file->entries()) names.push_back(entry.name);
    return AccountNames(std::move(names));
}

bool AccountNames::contains(std::string_view name) const {
    return std::binary_search(names_.begin(), names_.end(), name, std::less<>());
}

FileStamp file_stamp(const std::string& path) {
    struct stat st {};
    FileStamp out;
    if (::stat(path.c_str(), &st) != 0) return out;
    out.inode = st.st_ino;
    out.mtime_nanos = static_cast<std::int64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec;
    out.size = st.st_size;
    return out;
}

static Account account_of(const passwd& pw) {
    Account out;
    out.name = pw.pw_name;
    out.uid = pw.pw_uid;
    out.gid = pw.pw_gid;
    out.home = pw.pw_dir;
    return out;
}

Result<Account> unix_account(std::string_view name, uid_t first_valid_uid) {
    const Error unknown{Errc::not_found, 0, "no such account"};
    if (!plausible_unix_name(name)) return unknown;
    const std::string key(name);
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    int error = ERANGE;
    while (error == ERANGE && buffer.size() <= 1024 * 1024) {
        error = ::getpwnam_r(key.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE) buffer.resize(buffer.size() * 2);
    }
    // The codes getpwnam(3) lists for "not found".
    if (error == ENOENT || error == ESRCH || error == EBADF || error == EPERM) return unknown;
    if (error != 0) return Error{Errc::unavailable, error, "the system's accounts cannot be asked"};
    // A case-folding name service must not make two spellings two mailboxes.
    if (found == nullptr || found->pw_name != key) return unknown;
    if (found->pw_uid == 0 || found->pw_uid < first_valid_uid) return Error{Errc::denied, 0, "uid-below-first-valid"};
    if (found->pw_gid == 0 || found->pw_dir == nullptr || found->pw_dir[0] != '/')
        return Error{Errc::denied, 0, "account-without-home-or-group"};
    return account_of(*found);
}

Result<bool> account_exists(std::string_view name, const AccountNames& names, const AccountSources& sources) {
    if (names.contains(ascii_lower(name))) return true;
    if (!sources.unix_accounts) return false;
    const auto account = unix_account(name, sources.first_valid_uid);
    if (account) return true;
    if (account.error().code == Errc::unavailable) return account.error();
    return false;
}

Result<Account> find_account(std::string_view name, const AccountSources& sources) {
    const auto file = UsersFile::load(sources.users_file);
    if (!file) return Error{Errc::unavailable, file.error().sys, file.error().text};
    const auto entry = file->find(ascii_lower(name));
    if (!entry) return Error{Errc::unavailable, 0, entry.error().text};
    if (*entry != nullptr) return (*entry)->account();
    if (!sources.unix_accounts) return Error{Errc::not_found, 0, "no such account"};
    auto account = unix_account(name, sources.first_valid_uid);
    if (!account && account.error().code == Errc::denied) return Error{Errc::not_found, 0, account.error().text};
    return account;
}

} // namespace posada::auth
