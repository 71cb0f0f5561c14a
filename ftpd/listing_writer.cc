// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/listing_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/clock.h"
#include "common/base/glob.h"
#include "common/base/virtual_path.h"
#include "ftpd/stale_uploads.h"

namespace posada::ftpd {

namespace {

constexpr std::size_t block_octets = 64 * 1024; // a pipe's worth

EntryType type_of(mode_t mode) {
    if (S_ISREG(mode)) return EntryType::file;
    if (S_ISDIR(mode)) return EntryType::directory;
    return S_ISLNK(mode) ? EntryType::link : EntryType::other;
}

void fill_entry(Entry& out, std::string_view name, const struct stat& st) {
    out.name = name;
    out.type = type_of(st.st_mode);
    out.size = static_cast<std::uint64_t>(st.st_size);
    out.mode = st.st_mode & 07777;
    out.links = st.st_nlink;
    out.uid = st.st_uid;
    out.gid = st.st_gid;
    out.modified = st.st_mtime;
    out.device = st.st_dev;
    out.inode = st.st_ino;
    out.target.clear();
}

} // namespace

Entry entry_of(std::string_view name, const struct stat& st) {
    Entry out;
    fill_entry(out, name, st);
    return out;
}

Result<ListingWriter> ListingWriter::open(const Tree& tree, const ListRequest& request, const Viewer& viewer) {
    ListingWriter out(viewer);
    out.form_ = request.form;
    out.facts_ = request.facts;
    out.all_ = request.all;
    out.now_ = SystemClock().unix_now();
    auto directory = tree.open_file(request.path, O_RDONLY | O_DIRECTORY);
    const std::string& typed = request.typed;
    if (directory) {
        if (!typed.empty()) out.prefix_ = typed + (typed.back() == '/' ? "" : "/");
        RETURN_IF_ERROR(out.read_from(std::move(*directory)));
        return out;
    }
    if (request.form == Form::facts) return directory.error();
    out.prefix_ = typed.substr(0, typed.rfind('/') + 1);
    const int why = directory.error().sys;
    if ((why == ENOENT || why == ENAMETOOLONG) && is_glob(name_of(request.path))) {
        RETURN_IF_ERROR(out.list_matching(tree, request.path));
        return out;
    }
    if (why != ENOTDIR) return directory.error();
    RETURN_IF_ERROR(out.list_one(tree, request.path));
    return out;
}

Status ListingWriter::read_from(UniqueFd directory) {
    directory_.reset(::fdopendir(directory.get()));
    if (!directory_) return file_error("directory", errno);
    parent_ = UniqueFd(::fcntl(directory.release(), F_DUPFD_CLOEXEC, 0));
    return {};
}

Status ListingWriter::list_one(const Tree& tree, const std::string& path) {
    auto place = tree.place_of(path);
    if (!place) return place.error();
    const auto there = look_at(*place);
    if (!there) return there.error();
    parent_ = std::move(place->directory);
    keep(place->name);
    return {};
}

// The last name is a pattern, and no file is called so. Nothing fits: an empty list, as other servers send it. Only one
// directory is read: a pattern in front of it would make a client's line walk the whole tree.
Status ListingWriter::list_matching(const Tree& tree, const std::string& path) {
    auto directory = tree.open_file(parent_of(path), O_RDONLY | O_DIRECTORY);
    if (!directory) return directory.error();
    pattern_ = name_of(path);
    return read_from(std::move(*directory));
}

bool ListingWriter::shown(std::string_view name) const {
    if (name == "." || name == ".." || name.starts_with(reserved_prefix)) return false;
    if (!pattern_.empty()) return glob_matches(pattern_, name);
    return all_ || !name.starts_with('.');
}

void ListingWriter::keep(std::string_view name) {
    starts_.push_back(names_.size());
    names_.append(name).append(1, '\0');
}

// A name that is gone by now is left out.
bool ListingWriter::add(const char* name, int pipe) {
    if (form_ == Form::names) {
        append_name_line(block_, prefix_ + name);
        return flush(pipe, block_octets);
    }
    struct stat st {};
    if (::fstatat(parent_.get(), name, &st, AT_SYMLINK_NOFOLLOW) != 0) return true;
    fill_entry(entry_, name, st);
    if (entry_.type == EntryType::link) {
        std::array<char, 4096> target{};
        const ssize_t n = ::readlinkat(parent_.get(), name, target.data(), target.size());
        if (n > 0) entry_.target.assign(target.data(), static_cast<std::size_t>(n));
    }
    if (form_ == Form::facts)
        append_facts_line(block_, entry_, entry_.name, viewer_, facts_);
    else
        append_list_line(block_, entry_, viewer_, now_);
    return flush(pipe, block_octets);
}

// False: nobody reads any more.
bool ListingWriter::flush(int pipe, std::size_t at_least) {
    if (block_.size() < at_least) return true;
    const bool written = write_all(pipe, block_).ok();
    block_.clear();
    return written;
}

void ListingWriter::write_sorted(int pipe) {
    const char* const names = names_.c_str();
    std::sort(starts_.begin(), starts_.end(),
              [names](std::size_t a, std::size_t b) { return std::strcmp(names + a, names + b) < 0; });
    for (const std::size_t start : starts_)
        if (!add(names + start, pipe)) return;
}

void ListingWriter::write(int pipe) {
    while (const dirent* entry = directory_ ? ::readdir(directory_.get()) : nullptr) {
        const std::string_view name(entry->d_name);
        if (!shown(name)) continue;
        if (form_ != Form::facts)
            keep(name);
        else if (!add(entry->d_name, pipe))
            return;
    }
    write_sorted(pipe);
    flush(pipe, 1);
}

} // namespace posada::ftpd
