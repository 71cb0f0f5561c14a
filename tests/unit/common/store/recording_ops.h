// SPDX-License-Identifier: BSD-2-Clause
// A FileOps table that does the real calls, remembers them in order ("fsync new", "rename tmp/a new/a,S=3"), and can
// be told to let one kind of call fail. Names are those below the Maildir under test.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "common/store/file_ops.h"

namespace posada::store::testing {

struct Recording {
    std::vector<std::string> calls;
    std::string fail; // the call that fails, by its beginning ("fsync new")
    int fail_errno = EIO;
    [[nodiscard]] std::size_t count(const std::string& beginning) const {
        return static_cast<std::size_t>(
            std::count_if(calls.begin(), calls.end(), [&](const auto& c) { return c.starts_with(beginning); }));
    }
};
inline Recording recording;

inline std::string path_of(int fd) {
    char target[4096];
    const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
    const std::string path(target, n < 0 ? 0 : static_cast<std::size_t>(n));
    const std::size_t below = path.find("/Maildir");
    if (below == std::string::npos) return "(parent)";
    return path.size() == below + 8 ? "." : path.substr(below + 9);
}

// True: the caller must fail.
inline bool record(const std::string& call) {
    recording.calls.push_back(call);
    if (recording.fail.empty() || !call.starts_with(recording.fail)) return false;
    errno = recording.fail_errno;
    return true;
}

inline const FileOps& recording_ops() {
    static const FileOps ops{
        [](int at, const char* name, int flags, mode_t mode) {
            const bool creates = (flags & O_CREAT) != 0;
            if (creates && record("create " + path_of(at) + "/" + name)) return -1;
            return system_file_ops().open_at(at, name, flags, mode);
        },
        [](int fd, const void* bytes, std::size_t size) -> ssize_t {
            if (record("write " + path_of(fd))) return -1;
            return ::write(fd, bytes, size);
        },
        [](int fd) { return record("fsync " + path_of(fd)) ? -1 : ::fsync(fd); },
        [](int fd) { return record("syncfs") ? -1 : ::syncfs(fd); },
        [](int fd) {
            const bool fails = recording.fail == "close " + path_of(fd);
            if (fails) errno = recording.fail_errno;
            return ::close(fd) != 0 || fails ? -1 : 0;
        },
        [](int from_at, const char* from, int to_at, const char* to) {
            if (record("rename " + path_of(from_at) + "/" + from + " " + path_of(to_at) + "/" + to)) return -1;
            return ::renameat(from_at, from, to_at, to);
        },
        [](int at, const char* name, int flags) {
            return record("unlink " + path_of(at) + "/" + name) ? -1 : ::unlinkat(at, name, flags);
        },
        [](int at, const char* name, mode_t mode) {
            return record(std::string("mkdir ") + name) ? -1 : ::mkdirat(at, name, mode);
        },
    };
    return ops;
}

// A directory of this test alone, with an empty Maildir path in it.
class Scratch {
  public:
    Scratch() {
        recording = {};
        char name[] = "/tmp/posada-store-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] std::string maildir() const { return directory_ + "/Maildir"; }
    [[nodiscard]] const std::string& directory() const { return directory_; }
    void put(const std::string& below, const std::string& content) const {
        std::ofstream(maildir() + "/" + below, std::ios::binary) << content;
    }
    [[nodiscard]] std::string get(const std::string& below) const {
        std::ifstream in(maildir() + "/" + below, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    [[nodiscard]] bool has(const std::string& below) const {
        struct stat st {};
        return ::lstat((maildir() + "/" + below).c_str(), &st) == 0;
    }

  private:
    std::string directory_;
};

} // namespace posada::store::testing
