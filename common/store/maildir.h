// SPDX-License-Identifier: BSD-2-Clause
// Maildir: an opened mailbox directory. Everything below it is reached by *at() calls from these descriptors with
// O_NOFOLLOW, so a path is walked once, when it is opened. To be used as the mailbox's owner, never as root.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/store/file_ops.h"

namespace posada::store {

enum class Folder : unsigned char { tmp, fresh, cur }; // fresh is called "new" on disk
const char* folder_name(Folder folder) noexcept;

constexpr Seconds stale_after{36 * 3600}; // temporary files older than this belong to nobody

class Maildir {
  public:
    // path: absolute; its last component must be a real directory. Errc::not_found when it is absent or incomplete.
    static Result<Maildir> open(const std::string& path, const FileOps& ops = system_file_ops());
    // Makes what is missing, mode 0700, durably: when tmp/ exists, all of it is on stable storage, because tmp/ is
    // made last. The parent directory must exist.
    static Result<Maildir> open_or_create(const std::string& path, const FileOps& ops = system_file_ops());

    [[nodiscard]] int root() const { return root_.get(); }
    [[nodiscard]] int folder(Folder f) const { return folders_[static_cast<std::size_t>(f)].get(); }
    [[nodiscard]] const FileOps& ops() const { return *ops_; }

    // For each base name (delivery_name): is the message in new/ or cur/? A yes holds after a power failure too: the
    // directories are synced before it is said.
    Result<std::vector<bool>> find_delivered(std::span<const std::string> bases) const;
    // Removes files in tmp/ that nobody has written to for stale_after. Returns how many.
    Result<unsigned> remove_stale_temp(UnixTime now) const;

  private:
    explicit Maildir(const FileOps& ops) : ops_(&ops) {}
    Status open_folders();

    const FileOps* ops_;
    UniqueFd root_;
    std::array<UniqueFd, 3> folders_;
};

// The names in a directory, without those that start with a dot. Files only; whatever else lies there is logged
// (mailbox-error) and left out. A symbolic link is not a file.
Result<std::vector<std::string>> list_files(int directory, std::string_view what);

} // namespace posada::store
