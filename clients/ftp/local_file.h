// SPDX-License-Identifier: BSD-2-Clause
// Where a download goes: NAME.part, which becomes NAME when it is whole; the standard output ("-"); or a command
// ("|less"). The last two only for a name that the user typed: what a server or an address named is a file, whatever it
// is called.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::ftp {

enum class Named : unsigned char { by_user, by_server };

class LocalFile {
  public:
    // resume: goes on behind what NAME.part, or else NAME, has already; offset() says how much that is.
    static Result<LocalFile> open(const std::string& name, Named named, bool resume);
    // In an open directory, which stays open as long as this lives. resume: behind what part has.
    static Result<LocalFile> open_in(int folder, const std::string& name, const std::string& part, bool resume);
    LocalFile(LocalFile&& other) noexcept;
    LocalFile& operator=(LocalFile&&) = delete;
    ~LocalFile();
    [[nodiscard]] std::uint64_t offset() const { return offset_; }
    [[nodiscard]] const std::string& part() const { return part_; } // empty: none
    Status write(std::string_view bytes);
    // Keeps only so much of what was there, to go on behind it.
    Status cut(std::uint64_t size);
    // When it was last changed, as the server says. A part with the time of the whole belongs to that very version.
    Status set_time(UnixTime modified);
    Status commit();
    // Nothing came at all: an empty NAME.part is no help to anybody.
    void drop_if_empty();
    void drop(); // NAME.part, whatever has come

  private:
    LocalFile();
    static Result<LocalFile> open_device(const std::string& name);
    static Result<LocalFile> open_command(const std::string& command);
    int folder_;
    UniqueFd fd_;
    std::FILE* pipe_ = nullptr;
    std::string part_;
    std::string name_;
    std::uint64_t offset_ = 0;
};

// The last component: "d" of "/a/b/d". Empty for a name that must not be used here: "", ".", "..", or one that has a
// control octet in it.
std::string safe_local_name(std::string_view remote);

} // namespace posada::ftp
