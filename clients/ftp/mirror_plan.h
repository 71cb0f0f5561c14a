// SPDX-License-Identifier: BSD-2-Clause
// What has to be done in one directory so that the target is as the source. Pure, and the same both ways.
#pragma once

#include <string>
#include <vector>

#include "clients/ftp/listing.h"

namespace posada::ftp {

struct MirrorRules {
    bool remove = false;              // what only the target has
    bool only_newer = false;          // by time, whatever the sizes are
    std::vector<std::string> exclude; // patterns of names that are not touched on either side
};

struct Plan {
    struct File {
        Entry source;
        std::optional<Entry> target; // what it replaces
    };
    struct Folder {
        Entry source;
        bool missing = false;
    };
    std::vector<Entry> remove; // first: something of another kind may have the name of a file
    std::vector<File> move;
    std::vector<Folder> enter;
    std::vector<Entry> left_out;   // neither files nor directories
    std::vector<Entry> in_the_way; // of another kind than the source's, and must not be removed
    std::size_t same = 0;
};

// A listing from which something was refused removes nothing: it may be what the target has.
Plan plan_folder(const Listing& source, const Listing& target, const MirrorRules& rules);

} // namespace posada::ftp
