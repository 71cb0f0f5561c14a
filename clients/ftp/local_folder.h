// SPDX-License-Identifier: BSD-2-Clause
// LocalFolder: an open directory here. What is in it is reached by one name and never through a link, so that neither a
// server nor somebody who may write beside us leads out of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "clients/ftp/listing.h"
#include "common/base/fd.h"

namespace posada::ftp {

class LocalFolder {
  public:
    // As the user named it: here a link is followed. make: it need not be there yet.
    static Result<LocalFolder> open(const std::string& path, bool make);
    [[nodiscard]] Result<LocalFolder> enter(const std::string& name, bool make) const;
    // Names that no command can carry are in refused.
    [[nodiscard]] Result<Listing> list() const;
    [[nodiscard]] Result<UniqueFd> open_file(const std::string& name) const; // to be read; a plain file
    // With all that is in it.
    [[nodiscard]] Status remove(const std::string& name, unsigned depth = 0) const;
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    explicit LocalFolder(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

// nullopt: nothing is there.
std::optional<Entry> local_entry(int folder, const std::string& name);

} // namespace posada::ftp
