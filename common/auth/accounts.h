// SPDX-License-Identifier: BSD-2-Clause
// Does a recipient exist, and whose is it. Both ask NSS (getpwnam) and may block: never in a monitor or a net process.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include <string>
#include <string_view>
#include <vector>

#include "common/auth/account.h"
#include "common/base/result.h"

namespace posada::auth {

struct AccountSources {
    std::string users_file;
    bool unix_accounts = true; // "pam" is among the backends, and we are root
    uid_t first_valid_uid = 1000;
};

// The names of the users file without anything secret: what a lookup worker, which may not read the file, is given.
class AccountNames {
  public:
    AccountNames() = default;
    // As root (or the file's owner). Users whose line has errors are not listed.
    static Result<AccountNames> load(const std::string& users_file);
    explicit AccountNames(std::vector<std::string> names);
    [[nodiscard]] bool contains(std::string_view name) const;
    [[nodiscard]] std::size_t size() const { return names_.size(); }
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  private:
    std::vector<std::string> names_; // sorted
};

// Changes when the users file does: compare to know that AccountNames must be loaded anew.
struct FileStamp {
    std::uint64_t inode = 0;
    std::int64_t mtime_nanos = 0;
    std::int64_t size = -1; // -1 = no such file
    bool operator==(const FileStamp&) const = default;
};
FileStamp file_stamp(const std::string& path);

// name: a local part, any bytes. Errc::unavailable when the system cannot say.
Result<bool> account_exists(std::string_view name, const AccountNames& names, const AccountSources& sources);
// For whoever acts as the user. Errc::not_found; Errc::unavailable when it cannot be decided now.
Result<Account> find_account(std::string_view name, const AccountSources& sources);
// The system's account of exactly this name; refuses root and uids below first_valid_uid (Errc::denied).
Result<Account> unix_account(std::string_view name, uid_t first_valid_uid);

} // namespace posada::auth
