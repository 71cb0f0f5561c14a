// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/quota.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "common/base/text.h"

namespace posada::ftpd {

namespace {

constexpr const char* file_name = ".posada-quota"; // starts with reserved_prefix
constexpr UnixTime trusted_for = 86'400;           // seconds

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

// What is directly in it; the directories go to below.
std::uint64_t octets_in(UniqueFd fd, const std::string& path, std::vector<std::string>& below) {
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
    if (!directory) return 0;
    const int at = fd.release();
    std::uint64_t sum = 0;
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string_view name(entry->d_name);
        struct stat st {};
        if (name == "." || name == ".." || name.starts_with(reserved_prefix)) continue;
        if (::fstatat(at, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(st.st_mode)) sum += static_cast<std::uint64_t>(st.st_size);
        if (S_ISDIR(st.st_mode)) below.push_back(path + "/" + std::string(name));
    }
    return sum;
}

} // namespace

Result<std::uint64_t> Quota::count_all() const {
    std::vector<std::string> left{""};
    std::uint64_t sum = 0;
    while (!left.empty()) {
        const std::string path = std::move(left.back());
        left.pop_back();
        auto directory = tree_.open_file(path.empty() ? "/" : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (directory) sum += octets_in(std::move(*directory), path, left); // what cannot be read is not the user's
    }
    return sum;
}

Result<UniqueFd> Quota::lock() const {
    auto top = tree_.open_file("/", O_RDONLY | O_DIRECTORY);
    if (!top) return top.error();
    UniqueFd file(::openat(top->get(), file_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid() || ::flock(file.get(), LOCK_EX) != 0) return file_error(file_name, errno);
    return file;
}

Result<Quota::Count> Quota::current(const UniqueFd& file) const {
    std::array<char, 64> text{};
    const ssize_t n = ::pread(file.get(), text.data(), text.size(), 0);
    const auto [octets, counted] = split_word({text.data(), n > 0 ? static_cast<std::size_t>(n) : 0});
    const auto octets_there = parse_uint(octets);
    const auto counted_at = parse_uint(trim(counted));
    const UnixTime now = SystemClock().unix_now();
    if (octets_there && counted_at && now - static_cast<UnixTime>(*counted_at) < trusted_for)
        return Count{*octets_there, static_cast<UnixTime>(*counted_at)};
    const auto all = count_all();
    if (!all) return all.error();
    return Count{*all, now};
}

namespace {

void write_count(const UniqueFd& file, std::uint64_t octets, UnixTime counted) {
    const std::string text = std::to_string(octets) + " " + std::to_string(counted) + "\n";
    const bool written = ::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    if (::ftruncate(file.get(), written ? static_cast<off_t>(text.size()) : 0) != 0) return; // counted anew in a day
}

} // namespace

Result<std::uint64_t> Quota::largest(std::uint64_t before) const {
    if (!on()) return no_quota;
    const auto file = lock();
    if (!file) return file.error();
    const auto count = current(*file);
    if (!count) return count.error();
    write_count(*file, count->octets, count->counted);
    const std::uint64_t others = count->octets > before ? count->octets - before : 0;
    if (others >= limit_) return Error{Errc::no_space, 0, "over quota"};
    return limit_ - others;
}

void Quota::grown(std::int64_t octets) const {
    if (!on() || octets == 0) return;
    const auto file = lock();
    const auto count = file ? current(*file) : Result<Count>(file.error());
    if (!count) return;
    const auto sum = static_cast<std::int64_t>(count->octets) + octets;
    write_count(*file, sum > 0 ? static_cast<std::uint64_t>(sum) : 0, count->counted);
}

} // namespace posada::ftpd
