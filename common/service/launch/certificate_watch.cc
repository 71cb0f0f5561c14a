// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/certificate_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

namespace posada::service {

namespace {

constexpr Millis settle_time{1'000};
constexpr Millis look_again{10'000};
constexpr int longest_chain_of_links = 8;

std::filesystem::path directory_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// Every directory in which a name decides what this path is: its own, and those of the links it leads through, names of
// directories on the way included (a whole directory may be switched by one link).
void add_directories_of(const std::filesystem::path& path, std::set<std::string>& out, int depth = 0) {
    std::filesystem::path so_far;
    for (const auto& part : path) {
        const std::filesystem::path parent = so_far.empty() ? "." : so_far;
        so_far /= part;
        std::error_code error;
        const auto target = std::filesystem::read_symlink(so_far, error);
        if (error || depth == longest_chain_of_links) continue;
        out.insert(parent.string());
        add_directories_of(target.is_absolute() ? target : parent / target, out, depth + 1);
    }
    out.insert(directory_of(path).string());
}

} // namespace

CertificateWatch::CertificateWatch(io::Loop& loop, std::function<void()> on_change)
    : on_change_(std::move(on_change)), loop_(loop), settle_(loop, [this] { look(); }) {}

// A watch of its own for each set of files: the directories may be others now.
void CertificateWatch::watch(std::vector<std::string> files) {
    files_ = std::move(files);
    settle_.cancel();
    readable_.reset();
    inotify_.reset();
    if (files_.empty()) return;
    inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    const bool told = add_directories();
    if (inotify_.valid())
        readable_ =
            std::make_unique<io::Watch>(loop_, inotify_.get(), io::Interest::read, [this](io::Interest) { drain(); });
    stamp_ = stamp(); // after the watches: what changes in between is told
    if (!told) settle_.start(look_again);
}

bool CertificateWatch::add_directories() {
    std::set<std::string> directories;
    for (const std::string& file : files_) add_directories_of(file, directories);
    for (const std::string& directory : directories)
        if (::inotify_add_watch(inotify_.get(), directory.c_str(),
                                IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR) < 0)
            return false;
    return true;
}

void CertificateWatch::drain() {
    alignas(inotify_event) char events[4096];
    while (::read(inotify_.get(), events, sizeof events) > 0) {
    }
    if (!settle_.running()) settle_.start(settle_time);
}

void CertificateWatch::look() {
    const bool changed = stamp() != stamp_;
    watch(std::move(files_));
    if (changed) on_change_();
}

// Size, time and inode of each: what a renewal changes.
std::string CertificateWatch::stamp() const {
    std::string out;
    for (const std::string& path : files_) {
        struct stat st {};
        if (::stat(path.c_str(), &st) != 0) continue;
        out.append(std::to_string(st.st_ino)).append(" ").append(std::to_string(st.st_size)).append(" ");
        out.append(std::to_string(st.st_mtim.tv_sec))
            .append(".")
            .append(std::to_string(st.st_mtim.tv_nsec))
            .append(" ");
    }
    return out;
}

} // namespace posada::service
