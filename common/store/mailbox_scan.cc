// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mailbox_scan.h"

#include <sys/stat.h>
#include <time.h>

#include <cstdlib>

#include "common/base/log.h"
#include "common/store/directory.h"

namespace posada::store {

namespace {

constexpr std::int64_t tick_nanos = 20'000'000; // the kernel's time stamps are that coarse at worst
constexpr std::size_t max_arena = UINT32_MAX - 4096;
constexpr std::size_t first_slots = 64;

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

std::uint32_t hash_of(std::string_view base) { return static_cast<std::uint32_t>(std::hash<std::string_view>{}(base)); }

} // namespace

Status MailboxScan::read(const Maildir& maildir) {
    const Stamp before = stamp_of(maildir);
    settled_ = !too_recent(before);
    for (const Folder f : {Folder::fresh, Folder::cur}) RETURN_IF_ERROR(read_folder(maildir, f));
    settled_ = settled_ && stamp_of(maildir) == before;
    return {};
}

Status MailboxScan::read_folder(const Maildir& maildir, Folder folder) {
    return read_directory(maildir.folder(folder), folder_name(folder), [&](std::string_view name, bool regular) {
        if (regular && names_.size() < max_arena) return add(name, folder);
        log(event::mailbox_error, {{"folder", folder_name(folder)},
                                   {"name", std::string(name)},
                                   {"error", regular ? "too many files: ignored" : "not a regular file: ignored"}});
    });
}

void MailboxScan::add(std::string_view name, Folder folder) {
    if (files_.size() * 2 >= slots_.size()) grow();
    const std::string_view base = name.substr(0, name.find(':'));
    const std::uint32_t hash = hash_of(base);
    Slot& slot = slots_[slot_of(base, hash)];
    if (slot.file == 0) {
        files_.emplace_back();
        slot = {hash, static_cast<std::uint32_t>(files_.size())};
    } else if (this->name(files_[slot.file - 1]) == name) {
        files_[slot.file - 1].folder = folder;
        return;
    }
    ScannedFile& file = files_[slot.file - 1];
    file.name_at = keep(name);
    file.name_size = static_cast<std::uint16_t>(name.size());
    file.base_size = static_cast<std::uint16_t>(base.size());
    file.folder = folder;
}

std::uint32_t MailboxScan::keep(std::string_view name) {
    const auto at = static_cast<std::uint32_t>(names_.size());
    names_.append(name);
    return at;
}

void MailboxScan::forget_files() {
    files_ = {};
    slots_ = {};
    names_.shrink_to_fit();
}

// All are different and their hashes known: no name is looked at.
void MailboxScan::grow() {
    std::vector<Slot> larger(slots_.empty() ? first_slots : slots_.size() * 2);
    const std::size_t mask = larger.size() - 1;
    for (const Slot& old : slots_) {
        if (old.file == 0) continue;
        std::size_t slot = old.hash & mask;
        while (larger[slot].file != 0) slot = (slot + 1) & mask;
        larger[slot] = old;
    }
    slots_ = std::move(larger);
}

// Where it is, or the free slot where it belongs. Only names of the same hash are compared: each is a cache miss in a
// large mailbox.
std::size_t MailboxScan::slot_of(std::string_view wanted, std::uint32_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    while (slots_[slot].file != 0 && (slots_[slot].hash != hash || base(files_[slots_[slot].file - 1]) != wanted))
        slot = (slot + 1) & mask;
    return slot;
}

std::optional<std::uint32_t> MailboxScan::find(std::string_view base) const {
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t found = slots_[slot_of(base, hash_of(base))].file;
    if (found == 0) return std::nullopt;
    return found - 1;
}

} // namespace posada::store
