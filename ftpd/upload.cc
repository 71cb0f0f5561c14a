// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/upload.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "ftpd/stale_uploads.h"

namespace posada::ftpd {

namespace {

constexpr unsigned most_new_names = 10'000;

int open_in(const Tree::Place& place, int flags, mode_t mode = 0) {
    return ::openat(place.directory.get(), place.name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                    mode);
}

// Opened to write: whoever may not write into a file may not replace it either.
Result<std::optional<struct stat>> writable_before(const Tree::Place& place) {
    const UniqueFd old(open_in(place, O_WRONLY));
    if (!old.valid() && errno == ENOENT) return std::optional<struct stat>();
    if (!old.valid()) return file_error(place.name, errno);
    struct stat st {};
    if (::fstat(old.get(), &st) != 0) return file_error(place.name, errno);
    if (!S_ISREG(st.st_mode)) return Error{Errc::invalid, 0, place.name + ": not a plain file"};
    return std::optional(st);
}

} // namespace

Result<Upload> Upload::begin(const Tree& tree, const std::string& path, const UploadPlan& plan) {
    auto place = plan.only_new ? tree.place_of(path) : tree.place_behind_links(path);
    if (!place) return place.error();
    if (plan.how == Opening::store_new) return under_new_name(std::move(*place), plan);
    if (plan.how == Opening::append || plan.offset != 0) return in_place(std::move(*place), plan);
    return replace(std::move(*place), plan);
}

Result<Upload> Upload::replace(Tree::Place place, const UploadPlan& plan) {
    if (plan.only_new && look_at(place)) return Error{Errc::exists, 0, place.name + ": it exists already"};
    const auto before = writable_before(place);
    if (!before) return before.error();
    const bool linked = *before && (*before)->st_nlink > 1; // the other names shall see the new bytes too
    Upload out;
    out.temporary_ = new_upload_name();
    out.only_new_ = plan.only_new;
    out.before_ = *before ? static_cast<std::uint64_t>((*before)->st_size) : 0;
    const mode_t mode = *before ? (*before)->st_mode & 07777 : plan.mode;
    if (!linked)
        out.file_.reset(::openat(place.directory.get(), out.temporary_.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (out.file_.valid()) {
        out.place_ = std::move(place);
        hold_upload(out.file_.get());
        if (::fchmod(out.file_.get(), mode) == 0) return out;
        const Error failed = file_error(out.place_.name, errno);
        out.break_off(false);
        return failed;
    }
    if (!linked && (!*before || errno != EACCES)) return file_error(place.name, errno);
    return in_place(std::move(place), plan);
}

Result<Upload> Upload::in_place(Tree::Place place, const UploadPlan& plan) {
    const auto before = writable_before(place);
    if (!before) return before.error();
    const auto size = *before ? static_cast<std::uint64_t>((*before)->st_size) : 0;
    const std::uint64_t offset = plan.how == Opening::append ? size : plan.offset;
    if (offset > size) return Error{Errc::limit, 0, place.name + ": the file ends before that"};
    Upload out;
    out.made_ = !*before;
    out.before_ = size;
    out.truncates_ = plan.how != Opening::append;
    out.file_.reset(open_in(place, O_WRONLY | (out.made_ ? O_CREAT | O_EXCL : 0), plan.mode));
    if (!out.file_.valid()) return file_error(place.name, errno);
    out.place_ = std::move(place);
    RETURN_IF_ERROR(out.position(offset));
    return out;
}

// "name", "name.1", "name.2" ... (STOU).
Result<Upload> Upload::under_new_name(Tree::Place place, const UploadPlan& plan) {
    const std::string base = place.name;
    Upload out;
    out.made_ = true;
    for (unsigned i = 0; i < most_new_names; ++i) {
        if (i != 0) place.name = base + "." + std::to_string(i);
        out.file_.reset(open_in(place, O_WRONLY | O_CREAT | O_EXCL, plan.mode));
        if (out.file_.valid() || errno != EEXIST) break;
    }
    if (!out.file_.valid()) return file_error(place.name, errno);
    out.place_ = std::move(place);
    return out;
}

Status Upload::position(std::uint64_t offset) {
    start_ = offset;
    if (::lseek(file_.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return file_error(place_.name, errno);
    return {};
}

std::uint64_t Upload::octets() const {
    const off_t end = ::lseek(file_.get(), 0, truncates_ ? SEEK_CUR : SEEK_END);
    return end > 0 ? static_cast<std::uint64_t>(end) : 0;
}

Status Upload::complete(bool sync) {
    const off_t end = ::lseek(file_.get(), 0, SEEK_CUR);
    Status done;
    if (truncates_ && ::ftruncate(file_.get(), end) != 0) done = file_error(place_.name, errno);
    if (done && sync && ::fsync(file_.get()) != 0) done = file_error(place_.name, errno);
    if (done) done = file_.close(); // quota and network file systems speak up here
    const int directory = place_.directory.get();
    const unsigned how = only_new_ ? RENAME_NOREPLACE : 0;
    if (done && !temporary_.empty() &&
        ::renameat2(directory, temporary_.c_str(), directory, place_.name.c_str(), how) != 0)
        done = file_error(place_.name, errno);
    if (!done) {
        break_off(false);
        return done;
    }
    temporary_.clear();
    if (!sync) return {};
    const UniqueFd open_directory(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!open_directory.valid() || ::fsync(open_directory.get()) != 0) return file_error(place_.name, errno);
    return {};
}

void Upload::take_back() {
    struct stat st {};
    if (temporary_.empty() && ::fstat(file_.get(), &st) == 0 && static_cast<std::uint64_t>(st.st_size) > before_)
        (void)!::ftruncate(file_.get(), static_cast<off_t>(before_)); // the disk is as full as it was
}

bool Upload::break_off(bool keep) {
    struct stat st {};
    const bool has_bytes = file_.valid() && ::fstat(file_.get(), &st) == 0 && st.st_size != 0;
    file_.reset();
    const int directory = place_.directory.get();
    if (temporary_.empty()) {
        const bool stays = !made_ || (has_bytes && keep);
        if (!stays) ::unlinkat(directory, place_.name.c_str(), 0);
        return stays;
    }
    const bool kept = keep && has_bytes &&
                      ::renameat2(directory, temporary_.c_str(), directory, place_.name.c_str(), RENAME_NOREPLACE) == 0;
    if (!kept) ::unlinkat(directory, temporary_.c_str(), 0);
    temporary_.clear();
    return kept;
}

} // namespace posada::ftpd
