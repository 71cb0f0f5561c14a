// SPDX-License-Identifier: BSD-2-Clause
// readdir() may skip or repeat a file that is renamed while it reads. new/ is read before cur/, so a message on its
// way from one to the other is met at least once; a change of flags inside cur/ shows in the directory's time stamp,
// and then both are read again. If they never come to rest, everything seen in any round counts.
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

#include "common/store/mailbox.h"
#include "common/store/maildir_name.h"

namespace posada::store {

namespace {

constexpr int max_rounds = 5;
constexpr std::int64_t tick_nanos = 20'000'000; // the kernel's time stamps are that coarse at worst

using Seen = std::unordered_map<std::string, StoredMessage>; // by base name

std::int64_t nanos(const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; }

struct Stamp {
    std::int64_t fresh = 0;
    std::int64_t cur = 0;
    bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const Maildir& maildir) {
    struct stat fresh {};
    struct stat cur {};
    if (::fstat(maildir.folder(Folder::fresh), &fresh) != 0 || ::fstat(maildir.folder(Folder::cur), &cur) != 0)
        return {};
    return {nanos(fresh.st_mtim), nanos(cur.st_mtim)};
}

// A change within the tick of the first stamp would leave no trace in the second.
bool too_recent(const Stamp& stamp) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const auto within_tick = [&](std::int64_t t) { return std::abs(nanos(now) - t) < tick_nanos; };
    return within_tick(stamp.fresh) || within_tick(stamp.cur);
}

Stamp settled_stamp_of(const Maildir& maildir) {
    const Stamp stamp = stamp_of(maildir);
    if (!too_recent(stamp)) return stamp;
    const timespec pause{0, tick_nanos};
    ::nanosleep(&pause, nullptr);
    return stamp_of(maildir);
}

Status read_round(const Maildir& maildir, Seen& seen) {
    for (const Folder f : {Folder::fresh, Folder::cur}) {
        auto files = list_files(maildir.folder(f), folder_name(f));
        if (!files) return files.error();
        for (std::string& file : *files) {
            std::string base(parse_maildir_name(file).base);
            seen[std::move(base)] = StoredMessage{std::move(file), f, 0};
        }
    }
    return {};
}

std::vector<StoredMessage> in_order(Seen seen) {
    std::vector<StoredMessage> out;
    out.reserve(seen.size());
    for (auto& [base, message] : seen) out.push_back(std::move(message));
    std::sort(out.begin(), out.end(), [](const StoredMessage& a, const StoredMessage& b) {
        const MaildirName left = parse_maildir_name(a.name);
        const MaildirName right = parse_maildir_name(b.name);
        return left.time != right.time ? left.time < right.time : left.base < right.base;
    });
    return out;
}

} // namespace

Result<std::vector<StoredMessage>> scan_messages(const Maildir& maildir) {
    Seen all;
    for (int round = 0; round < max_rounds; ++round) {
        const Stamp before = settled_stamp_of(maildir);
        const bool settled = !too_recent(before);
        Seen seen;
        RETURN_IF_ERROR(read_round(maildir, seen));
        if (settled && stamp_of(maildir) == before) return in_order(std::move(seen));
        for (auto& [base, message] : seen) all[base] = std::move(message);
    }
    return in_order(std::move(all));
}

} // namespace posada::store
