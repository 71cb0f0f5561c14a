// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/quota.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/base/log.h"
#include "common/base/text.h"

namespace posada::store {

namespace {

constexpr int count_rounds = 3; // a file that changed meanwhile is counted again, so often at most
constexpr mode_t file_mode = 0600;

std::optional<std::int64_t> parse_signed(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "1048576S,1000C"; a kind of limit we do not know is not ours to judge.
std::optional<QuotaLimits> parse_limits(std::string_view line) {
    QuotaLimits out;
    for (const std::string_view item : split(line, ',')) {
        if (item.empty()) continue;
        const auto value = parse_uint(item.substr(0, item.size() - 1));
        if (!value) return std::nullopt;
        if (item.back() == 'S') out.octets = *value;
        if (item.back() == 'C') out.messages = *value;
    }
    return out;
}

std::string limits_text(const QuotaLimits& limits) {
    std::string out = limits.octets == 0 ? std::string() : std::to_string(limits.octets) + "S";
    if (limits.messages != 0) out.append(out.empty() ? "" : ",").append(std::to_string(limits.messages)).append("C");
    return out;
}

std::string change_line(std::int64_t octets, std::int64_t messages) {
    return std::to_string(octets).append(" ").append(std::to_string(messages)).append("\n");
}

// The sum of the lines; nullopt: not what any program would have written, or not for these limits.
std::optional<QuotaUsage> parse_file(std::string_view text, const QuotaLimits& limits) {
    const std::size_t first = text.find('\n');
    if (first == std::string_view::npos || text.back() != '\n') return std::nullopt;
    const auto written_for = parse_limits(text.substr(0, first));
    if (!written_for || *written_for != limits) return std::nullopt;
    std::int64_t octets = 0;
    std::int64_t messages = 0;
    for (std::string_view rest = text.substr(first + 1); !rest.empty();) {
        const std::size_t end = rest.find('\n');
        const auto [size, count] = split_word(trim(rest.substr(0, end)));
        const auto more_octets = parse_signed(size);
        const auto more_messages = parse_signed(trim(count));
        if (!more_octets || !more_messages || __builtin_add_overflow(octets, *more_octets, &octets) ||
            __builtin_add_overflow(messages, *more_messages, &messages))
            return std::nullopt;
        rest.remove_prefix(end + 1);
    }
    if (octets < 0 || messages < 0) return std::nullopt;
    return QuotaUsage{static_cast<std::uint64_t>(octets), static_cast<std::uint64_t>(messages)};
}

// Which file stands under the name, and how long it is: says whether anybody has written since.
struct Stamp {
    ino_t inode = 0;
    off_t size = -1;
    bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const Maildir& maildir) {
    struct stat st {};
    if (::fstatat(maildir.root(), quota_file_name, &st, AT_SYMLINK_NOFOLLOW) != 0) return {};
    return {st.st_ino, st.st_size};
}

Status replace_file(const Maildir& maildir, const QuotaLimits& limits, const QuotaUsage& used) {
    const FileOps& ops = maildir.ops();
    const int tmp = maildir.folder(Folder::tmp);
    const std::string name = std::string(quota_file_name).append(".P").append(std::to_string(::getpid()));
    if (ops.unlink_at(tmp, name.c_str(), 0) != 0 && errno != ENOENT) return errno_error("tmp/" + name);
    const int fd = ops.open_at(tmp, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode);
    if (fd < 0) return errno_error("tmp/" + name);
    std::string text = limits_text(limits) + "\n";
    text += change_line(static_cast<std::int64_t>(used.octets), static_cast<std::int64_t>(used.messages));
    Status done = write_all(ops, fd, text);
    if (ops.close(fd) != 0 && done) done = errno_error("close");
    if (done && ops.rename_at(tmp, name.c_str(), maildir.root(), quota_file_name) != 0) done = errno_error("rename");
    if (!done) ops.unlink_at(tmp, name.c_str(), 0);
    return done;
}

void complain(const Error& error) {
    log(event::mailbox_error, {{"name", quota_file_name}, {"error", error.describe()}});
}

} // namespace

Status Quota::load() {
    if (!limits_.any()) return {};
    const UniqueFd fd(::openat(maildir_->root(), quota_file_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return recount();
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return recount();
    const auto text = read_all(fd.get(), max_quota_file);
    const auto used = text ? parse_file(*text, limits_) : std::nullopt;
    if (!used) return recount();
    used_ = *used;
    changed_ = st.st_mtim.tv_sec;
    return {};
}

Status Quota::recount() {
    for (int round = 1;; ++round) {
        const Stamp before = stamp_of(*maildir_);
        const auto counted = count_quota_usage(*maildir_);
        if (!counted) return counted.error();
        if (round < count_rounds && !(stamp_of(*maildir_) == before)) continue;
        used_ = *counted;
        changed_ = 0;
        // Without the file everything is right, only slower: a full disk must not look like a full mailbox.
        if (const Status written = replace_file(*maildir_, limits_, used_); !written) complain(written.error());
        return {};
    }
}

bool Quota::fits(std::uint64_t octets) const {
    if (limits_.messages != 0 && used_.messages >= limits_.messages) return false;
    if (limits_.octets == 0) return true;
    return octets <= limits_.octets && used_.octets <= limits_.octets - octets;
}

Result<bool> Quota::recount_if_stale(UnixTime now) {
    if (changed_ == 0 || now - changed_ <= quota_stale_after.count()) return false;
    RETURN_IF_ERROR(recount());
    return true;
}

void Quota::reserve(std::uint64_t octets) {
    used_.octets += octets;
    ++used_.messages;
}

void Quota::release(std::uint64_t octets) {
    used_.octets -= std::min(octets, used_.octets);
    if (used_.messages != 0) --used_.messages;
}

void forget_quota(const Maildir& maildir) {
    if (maildir.ops().unlink_at(maildir.root(), quota_file_name, 0) != 0 && errno != ENOENT)
        complain(errno_error("cannot be kept right"));
}

void note_quota_change(const Maildir& maildir, std::int64_t octets, std::int64_t messages) {
    const FileOps& ops = maildir.ops();
    const int fd =
        ops.open_at(maildir.root(), quota_file_name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT) return;
    const std::string line = change_line(octets, messages);
    struct stat st {};
    bool kept = fd >= 0 && ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                static_cast<std::size_t>(st.st_size) + line.size() <= max_quota_file;
    // One call: lines of two programs never mix. A part of a line makes the file unreadable, and so removed.
    if (kept) kept = ops.write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    if (fd >= 0 && ops.close(fd) != 0) kept = false;
    if (!kept) forget_quota(maildir);
}

} // namespace posada::store
