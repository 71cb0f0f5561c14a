// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/maildir.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/base/log.h"
#include "common/store/directory.h"

namespace posada::store {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t owner_only = 0700;

Result<UniqueFd> open_directory(const FileOps& ops, int at, const char* name) {
    UniqueFd fd(ops.open_at(at, name, directory_flags, 0));
    if (fd.valid()) return fd;
    if (errno == ELOOP || errno == ENOTDIR)
        return Error{Errc::invalid, errno, std::string(name) + " is not a directory (a symbolic link is not followed)"};
    return errno_error(name);
}

// True if it was made now.
Result<bool> make_directory(const FileOps& ops, int at, const char* name) {
    if (ops.mkdir_at(at, name, owner_only) == 0) return true;
    if (errno == EEXIST) return false;
    return errno_error("mkdir " + std::string(name));
}

struct Place {
    std::string parent;
    std::string name;
};
Place split_path(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// A file's name belongs to a base name when that is followed by nothing, a size field or the flags.
bool has_base(std::string_view file, std::string_view base) {
    if (!file.starts_with(base)) return false;
    return file.size() == base.size() || file[base.size()] == ',' || file[base.size()] == ':';
}

void mark_found(const std::vector<std::string>& files, std::span<const std::string> bases, std::vector<bool>& found) {
    for (std::size_t i = 0; i < bases.size(); ++i)
        if (!found[i])
            found[i] = std::any_of(files.begin(), files.end(), [&](const auto& f) { return has_base(f, bases[i]); });
}

} // namespace

const char* folder_name(Folder folder) noexcept {
    switch (folder) {
    case Folder::tmp: return "tmp";
    case Folder::fresh: return "new";
    case Folder::cur: return "cur";
    }
    return "";
}

Status Maildir::open_folders() {
    for (const Folder f : {Folder::tmp, Folder::fresh, Folder::cur}) {
        auto fd = open_directory(*ops_, root_.get(), folder_name(f));
        if (!fd) return fd.error();
        folders_[static_cast<std::size_t>(f)] = std::move(*fd);
    }
    return {};
}

Result<Maildir> Maildir::open(const std::string& path, const FileOps& ops) {
    Maildir out(ops);
    auto root = open_directory(ops, AT_FDCWD, path.c_str());
    if (!root) return root.error();
    out.root_ = std::move(*root);
    RETURN_IF_ERROR(out.open_folders());
    return out;
}

// new/ and cur/ and the way to them are made durable before tmp/ appears; tmp/ itself may be lost at no loss.
Result<Maildir> Maildir::open_or_create(const std::string& path, const FileOps& ops) {
    auto existing = open(path, ops);
    if (existing || existing.error().code != Errc::not_found) return existing;
    const auto [parent_path, name] = split_path(path);
    UniqueFd parent(ops.open_at(AT_FDCWD, parent_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    if (!parent.valid()) return errno_error(parent_path);
    if (const auto made = make_directory(ops, parent.get(), name.c_str()); !made) return made.error();
    auto root = open_directory(ops, parent.get(), name.c_str());
    if (!root) return root.error();
    for (const Folder f : {Folder::fresh, Folder::cur})
        if (const auto made = make_directory(ops, root->get(), folder_name(f)); !made) return made.error();
    RETURN_IF_ERROR(sync_file(ops, root->get(), path));
    RETURN_IF_ERROR(sync_file(ops, parent.get(), parent_path));
    if (const auto made = make_directory(ops, root->get(), folder_name(Folder::tmp)); !made) return made.error();
    Maildir out(ops);
    out.root_ = std::move(*root);
    RETURN_IF_ERROR(out.open_folders());
    return out;
}

Result<std::vector<bool>> Maildir::find_delivered(std::span<const std::string> bases) const {
    std::vector<bool> found(bases.size(), false);
    // new/ first: a message that is moved to cur/ meanwhile is then met there.
    for (const Folder f : {Folder::fresh, Folder::cur}) {
        const auto files = list_files(folder(f), folder_name(f));
        if (!files) return files.error();
        mark_found(*files, bases, found);
    }
    if (std::find(found.begin(), found.end(), true) == found.end()) return found;
    for (const Folder f : {Folder::fresh, Folder::cur}) RETURN_IF_ERROR(sync_file(*ops_, folder(f), folder_name(f)));
    return found;
}

Result<unsigned> Maildir::remove_stale_temp(UnixTime now) const {
    const auto files = list_files(folder(Folder::tmp), "tmp");
    if (!files) return files.error();
    unsigned removed = 0;
    for (const std::string& file : *files) {
        struct stat st {};
        if (::fstatat(folder(Folder::tmp), file.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (now - st.st_mtim.tv_sec <= stale_after.count()) continue;
        if (ops_->unlink_at(folder(Folder::tmp), file.c_str(), 0) == 0) ++removed;
    }
    return removed;
}

Result<std::vector<std::string>> list_files(int directory, std::string_view what) {
    std::vector<std::string> out;
    RETURN_IF_ERROR(read_directory(directory, what, [&](std::string_view name, bool regular) {
        if (regular) {
            out.emplace_back(name);
        } else {
            log(event::mailbox_error,
                {{"folder", std::string(what)}, {"name", std::string(name)}, {"error", "not a regular file: ignored"}});
        }
    }));
    return out;
}

} // namespace posada::store
