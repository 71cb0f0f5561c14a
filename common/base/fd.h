// SPDX-License-Identifier: BSD-2-Clause
// UniqueFd owns one descriptor. There is no implicit conversion to int: borrowing is spelled get().
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace posada {

class [[nodiscard]] UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) noexcept : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset(int fd = -1) noexcept;
    // close(2) with its verdict: a file is only on disk as far as close() and fsync() say so.
    [[nodiscard]] Status close();

  private:
    int fd_ = -1;
};

// All of these set O_CLOEXEC.
Result<std::pair<UniqueFd, UniqueFd>> make_seqpacket_pair();
Result<std::pair<UniqueFd, UniqueFd>> make_pipe();
Result<UniqueFd> duplicate_fd(int fd);
Status set_nonblocking(int fd, bool on);
Status set_cloexec(int fd, bool on);

// Writes all of it; EINTR and short writes are handled. Blocking descriptors only.
Status write_all(int fd, std::string_view bytes);
// Reads to end of file; fails with Errc::limit above max_bytes.
Result<std::string> read_all(int fd, std::size_t max_bytes);
// pread(2) of exactly this range; Errc::corrupt when the file is shorter than that.
Status read_range(int fd, std::uint64_t offset, char* into, std::size_t size);
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

// An anonymous file that nobody, not even its writer, can change any more (F_SEAL_WRITE|GROW|SHRINK|SEAL).
Result<UniqueFd> make_sealed_memfd(const char* name, std::string_view bytes);
// Adds the four seals to a received memfd; Errc::protocol if it cannot be sealed (not a memfd, or mapped writable).
Status seal_memfd(int fd);

// Closes every descriptor of this process except 0-2 and the listed ones (close_range(2)).
void close_all_except(std::span<const int> keep) noexcept;

} // namespace posada
