// SPDX-License-Identifier: BSD-2-Clause
// The users file, posada-users(5): one line per user,
//     name:hash:scram:uid:gid:home[:options]
// hash is crypt(3) text ("!" in front = locked), scram a verifier or empty, uid and gid the numbers the user's
// processes run with, options key=value with commas between (user_options.h). '#' lines and empty lines are kept.
// Nobody but the owner may read the file.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/auth/account.h"
#include "common/auth/scram.h"
#include "common/auth/user_options.h"
#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::auth {

struct UserEntry {
    std::string name;
    std::string hash;
    std::optional<ScramVerifier> scram;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    UserOptions options;
    [[nodiscard]] bool locked() const { return hash.empty() || hash.front() == '!'; }
    [[nodiscard]] Account account() const;
    [[nodiscard]] std::string line() const; // without newline
};

struct UsersFileError {
    unsigned line = 0;
    std::string name; // of the user, as far as it could be read
    std::string text; // "/etc/posada/users:3: uid: ..."
};

constexpr std::size_t max_users_file = 64u << 20;

class UsersFile {
  public:
    // An absent file has no users. Errc::denied: wrong owner, or readable by others; the text says what to do.
    static Result<UsersFile> load(const std::string& path);
    // The lines of one user (in lower case), by way of a mapping: no other line is ever copied into this process, which
    // may become that user's agent.
    static Result<UsersFile> load_user(const std::string& path, std::string_view name);
    static UsersFile parse(std::string_view text, const std::string& path);

    [[nodiscard]] const std::vector<UserEntry>& entries() const { return entries_; }
    [[nodiscard]] const std::vector<UsersFileError>& errors() const { return errors_; }
    // nullptr = no such user. A line of this user that does not parse is Errc::corrupt: it must not look like an
    // unknown name, which the next backend would decide about. Errors in other users' lines do not matter here.
    [[nodiscard]] Result<const UserEntry*> find(std::string_view name) const;
    // Every user can log in with SCRAM, and there is at least one.
    [[nodiscard]] bool all_have_scram() const;
    void wipe() noexcept; // hashes and verifiers; no entry is left

  private:
    friend class UsersFileEdit;
    struct Removed {
        std::string name;
        uid_t uid;
    };
    void parse_line(std::string_view line, unsigned number, const std::string& path);
    std::vector<UserEntry> entries_;
    std::vector<UsersFileError> errors_;
    std::vector<uid_t> removed_uids_; // "#removed:name:uid" lines: a uid is never given to a second user
};

// One change of the file: locks it against other editors, rewrites it as a whole (temporary file, fsync, rename, fsync
// of the directory), keeps comments and the lines it does not touch. Refuses to edit a file with errors.
class UsersFileEdit {
  public:
    // Creates the file's lock; the file itself may be absent. Waits for another editor up to 10 s, then Errc::busy.
    static Result<UsersFileEdit> open(const std::string& path);
    [[nodiscard]] const UsersFile& current() const { return parsed_; }

    // The lowest uid above all that were ever given, Errc::limit when [first, last] is used up.
    [[nodiscard]] Result<uid_t> allocate_uid(uid_t first, uid_t last) const;
    Status add(const UserEntry& entry);                                                   // Errc::exists
    Status set_password(std::string_view name, std::string hash, ScramVerifier verifier); // Errc::not_found
    Status set_options(std::string_view name, const UserOptions& options);                // Errc::not_found
    Status remove(std::string_view name);                                                 // Errc::not_found
    Status commit(); // once; without it nothing has happened

  private:
    UsersFileEdit() = default;
    Result<UserEntry*> entry_of(std::string_view name); // Errc::not_found
    Status replace_line(std::string_view name, const std::string& with);
    std::string path_;
    UniqueFd lock_;
    std::vector<std::string> lines_;
    UsersFile parsed_;
};

} // namespace posada::auth
