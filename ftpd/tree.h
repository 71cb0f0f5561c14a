// SPDX-License-Identifier: BSD-2-Clause
// Tree: the files below one directory. Every path is looked up by openat2(2) with RESOLVE_BENEATH: neither "..", nor a
// link, nor a race between looking and opening leads out of it, also where the kernel has no Landlock.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::ftpd {

// Names that start so are the server's own: they are in no listing, and no path that holds one is looked up.
constexpr std::string_view reserved_prefix = ".posada-";

class Tree {
  public:
    static Result<Tree> open(const std::string& top);

    // path: "/a/b". flags and mode of open(2); O_CLOEXEC, O_NOCTTY and O_NONBLOCK are added.
    [[nodiscard]] Result<UniqueFd> open_file(std::string_view path, int flags, mode_t mode = 0) const;

    // Where a name stands: for what is made, renamed or removed. The top itself has no name: Errc::invalid.
    struct Place {
        UniqueFd directory; // O_PATH
        std::string name;
    };
    [[nodiscard]] Result<Place> place_of(std::string_view path) const;
    // The same of what a link at the end leads to, if it is one.
    [[nodiscard]] Result<Place> place_behind_links(std::string_view path) const;

  private:
    explicit Tree(UniqueFd top) : top_(std::move(top)) {}
    UniqueFd top_;
};

// Of a name as it stands there: links are not followed.
Result<struct stat> look_at(const Tree::Place& place);
// errno_error, with what users of a file server need told apart.
Error file_error(std::string_view path, int sys);

} // namespace posada::ftpd
