// SPDX-License-Identifier: BSD-2-Clause
// ListingWriter: reads a directory and writes its listing into a pipe, a block at a time: a directory of a hundred
// thousand files takes no more memory than its names, and MLSD, which is not sorted, not even these.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "ftpd/agent_protocol.h"
#include "ftpd/listing.h"
#include "ftpd/tree.h"

namespace posada::ftpd {

Entry entry_of(std::string_view name, const struct stat& st);

class ListingWriter {
  public:
    // Errc::invalid: MLSD of what is no directory.
    static Result<ListingWriter> open(const Tree& tree, const ListRequest& request, const Viewer& viewer);
    // Until all is written or nobody reads.
    void write(int pipe);

  private:
    struct CloseDirectory {
        void operator()(DIR* directory) const noexcept { ::closedir(directory); }
    };
    explicit ListingWriter(Viewer viewer) : viewer_(std::move(viewer)) {}
    Status read_from(UniqueFd directory);
    Status list_one(const Tree& tree, const std::string& path);
    Status list_matching(const Tree& tree, const std::string& path);
    void keep(std::string_view name);
    bool add(const char* name, int pipe);
    bool flush(int pipe, std::size_t at_least);
    void write_sorted(int pipe);
    [[nodiscard]] bool shown(std::string_view name) const;

    Viewer viewer_;
    Form form_ = Form::list;
    std::uint8_t facts_ = 0;
    bool all_ = false;
    std::string prefix_;                             // of NLST, as it was typed
    UniqueFd parent_;                                // of the names
    std::unique_ptr<DIR, CloseDirectory> directory_; // all of it ...
    std::string names_;                              // ... or these, each with a zero behind it, ...
    std::vector<std::size_t> starts_;                // ... which begin here
    Entry entry_;                                    // the one that is looked at
    std::string pattern_;                            // of the names of directory_; empty: all
    UnixTime now_ = 0;
    std::string block_;
};

} // namespace posada::ftpd
