// SPDX-License-Identifier: BSD-2-Clause
// Upload: one file on its way in. A new file is written under a name of its own and renamed when it is whole, so that
// nobody ever finds half of it and what was there before stays until then. What goes on where another transfer stopped
// (APPE, REST) is written in place, and so is a file in a directory where nothing new may be made.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/fd.h"
#include "ftpd/file_terms.h"
#include "ftpd/tree.h"

namespace posada::ftpd {

struct UploadPlan {
    Opening how = Opening::store;
    std::uint64_t offset = 0; // REST; beyond the end of the file is Errc::limit
    mode_t mode = 0666;       // of a new file; one that is replaced keeps its own
    bool only_new = false;    // Errc::exists if there is such a name, also when the file is whole
};

class Upload {
  public:
    static Result<Upload> begin(const Tree& tree, const std::string& path, const UploadPlan& plan);
    Upload(Upload&&) = default;
    Upload& operator=(Upload&&) = default;

    // Of the file to write; its position is where the bytes go.
    [[nodiscard]] int fd() const { return file_.get(); }
    [[nodiscard]] std::uint64_t start() const { return start_; }
    // The octets of the file that is replaced or written into; 0 of a new one.
    [[nodiscard]] std::uint64_t before() const { return before_; }
    // What it would have if it were whole now.
    [[nodiscard]] std::uint64_t octets() const;
    [[nodiscard]] const std::string& name() const { return place_.name; }
    [[nodiscard]] int directory() const { return place_.directory.get(); }

    // The file is whole: it is closed and has its name. sync: and is on stable storage.
    Status complete(bool sync);
    // It broke off. What has come is kept, if keep says so and there is no other file of that name; nothing else is.
    // True: the octets are there to stay.
    bool break_off(bool keep);
    // The file ends where it did before, as far as it has grown.
    void take_back();

  private:
    Upload() = default;
    static Result<Upload> replace(Tree::Place place, const UploadPlan& plan);
    static Result<Upload> in_place(Tree::Place place, const UploadPlan& plan);
    static Result<Upload> under_new_name(Tree::Place place, const UploadPlan& plan);
    Status position(std::uint64_t offset);

    Tree::Place place_;
    std::string temporary_; // the name until it is whole; empty: written in place
    UniqueFd file_;
    std::uint64_t start_ = 0;
    std::uint64_t before_ = 0;
    bool only_new_ = false;
    bool made_ = false;      // in place, by us: nothing of it may stay when nothing came
    bool truncates_ = false; // in place over an older file: what is behind the last byte goes at the end
};

} // namespace posada::ftpd
