// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "common/base/text.h"

namespace posada::ftp {

LocalFile::LocalFile() : folder_(AT_FDCWD) {}

LocalFile::LocalFile(LocalFile&& other) noexcept
    : folder_(other.folder_), fd_(std::move(other.fd_)), pipe_(std::exchange(other.pipe_, nullptr)),
      part_(std::move(other.part_)), name_(std::move(other.name_)), offset_(other.offset_) {}

LocalFile::~LocalFile() {
    if (pipe_ != nullptr) ::pclose(pipe_);
}

Result<LocalFile> LocalFile::open_command(const std::string& command) {
    LocalFile out;
    std::fflush(stdout);
    out.pipe_ = ::popen(command.c_str(), "we");
    if (out.pipe_ == nullptr) return errno_error(command);
    return out;
}

// A terminal, a pipe, /dev/null: nothing that a rename may replace.
static bool is_device(const std::string& name) {
    struct stat info {};
    return ::stat(name.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

Result<LocalFile> LocalFile::open_device(const std::string& name) {
    LocalFile out;
    out.fd_ = UniqueFd(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    if (!out.fd_.valid()) return errno_error(name);
    return out;
}

static Result<std::uint64_t> size_of(int fd, const std::string& name) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return errno_error(name);
    if (!S_ISREG(info.st_mode)) return Error{Errc::denied, EEXIST, name + " is no file"};
    return static_cast<std::uint64_t>(info.st_size);
}

Result<LocalFile> LocalFile::open(const std::string& name, Named named, bool resume) {
    if (named == Named::by_user && name == "-") {
        LocalFile out;
        std::fflush(stdout);
        auto copy = duplicate_fd(STDOUT_FILENO);
        if (!copy) return copy.error();
        out.fd_ = std::move(*copy);
        return out;
    }
    if (named == Named::by_user && name.starts_with("|")) return open_command(name.substr(1));
    if (named == Named::by_user && is_device(name)) return open_device(name);
    const std::string part = name + ".part";
    const bool whole_is_there = ::access(part.c_str(), F_OK) != 0 && ::access(name.c_str(), F_OK) == 0;
    return open_in(AT_FDCWD, name, resume && whole_is_there ? name : part, resume);
}

Result<LocalFile> LocalFile::open_in(int folder, const std::string& name, const std::string& part, bool resume) {
    LocalFile out;
    out.folder_ = folder;
    out.name_ = name;
    out.part_ = part;
    // O_NOFOLLOW: a link that somebody left here leads nowhere else.
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (resume ? O_APPEND : O_TRUNC);
    out.fd_ = UniqueFd(::openat(folder, part.c_str(), flags, 0666));
    if (!out.fd_.valid()) return errno_error(out.part_);
    auto size = size_of(out.fd_.get(), out.part_);
    if (!size) return size.error();
    out.offset_ = *size;
    return out;
}

Status LocalFile::write(std::string_view bytes) {
    if (pipe_ == nullptr) return write_all(fd_.get(), bytes);
    return std::fwrite(bytes.data(), 1, bytes.size(), pipe_) == bytes.size() ? Status{} : errno_error("the command");
}

Status LocalFile::cut(std::uint64_t size) {
    if (size > offset_)
        return Error{Errc::invalid, 0, part_ + " has no " + std::to_string(size) + " bytes to go on behind"};
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return errno_error(part_);
    offset_ = size;
    return {};
}

Status LocalFile::set_time(UnixTime modified) {
    const timespec times[2] = {{0, UTIME_OMIT}, {modified, 0}};
    return ::futimens(fd_.get(), times) == 0 ? Status{} : errno_error(part_);
}

Status LocalFile::commit() {
    if (pipe_ != nullptr) {
        std::FILE* pipe = std::exchange(pipe_, nullptr);
        return ::pclose(pipe) == 0 ? Status{} : Status{Error{Errc::io, 0, "the command failed"}};
    }
    RETURN_IF_ERROR(fd_.close());
    if (part_ == name_) return {};
    return ::renameat(folder_, part_.c_str(), folder_, name_.c_str()) == 0 ? Status{} : errno_error(name_);
}

void LocalFile::drop() {
    if (!part_.empty() && part_ != name_) ::unlinkat(folder_, part_.c_str(), 0);
}

void LocalFile::drop_if_empty() {
    struct stat info {};
    if (!part_.empty() && ::fstat(fd_.get(), &info) == 0 && info.st_size == 0) drop();
}

std::string safe_local_name(std::string_view remote) {
    const std::size_t slash = remote.rfind('/');
    const std::string_view last = slash == std::string_view::npos ? remote : remote.substr(slash + 1);
    if (last == "." || last == ".." || has_control(last)) return {};
    return std::string(last);
}

} // namespace posada::ftp
