// SPDX-License-Identifier: BSD-2-Clause
// Opening a mailbox: files meet the lines of the uidlist, what has no line gets one, what has no size is read.
#include <unistd.h>

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/store/mailbox.h"
#include "common/store/maildir_name.h"
#include "common/store/message_measure.h"
#include "common/store/uidlist.h"
#include "common/store/uidlist_lock.h"

namespace posada::store {

namespace {

constexpr int max_rounds = 4;                   // a file that hides in each of them was renamed that often meanwhile
constexpr std::size_t least_dead_lines = 1'000; // fewer are not worth a list written anew

Result<MessageMeasure> measure_file(int fd) {
    static char chunk[64 * 1024]; // agents are single-threaded; not worth 64 KiB of every stack
    MessageMeasure measure;
    for (;;) {
        const ssize_t n = ::read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("read");
        if (n == 0) return measure;
        measure.add({chunk, static_cast<std::size_t>(n)});
    }
}

void log_unreadable(std::string_view name, const Error& error) {
    log(event::mailbox_error, {{"name", std::string(name)}, {"error", error.describe()}});
}

} // namespace

class MailboxOpener {
  public:
    MailboxOpener(Mailbox& box, const MailboxLimits& limits, Uidlist list)
        : box_(box), scan_(box.scan_), limits_(limits), list_(std::move(list)) {}
    Status run();

  private:
    struct Known {
        std::uint32_t entry;
        std::uint32_t file;
    };
    Status scan();
    void join();
    void apply_limit();
    void sort_unknown();
    [[nodiscard]] std::uint64_t octets_of(const UidEntry& entry, const ScannedFile& file) const;
    bool measure(std::uint32_t index);
    void measure_all();
    Status update_list();
    bool drop_dead_lines();
    Status give_uids();
    void hide_unknown();
    void finish();

    Mailbox& box_;
    MailboxScan& scan_;
    const MailboxLimits& limits_;
    Uidlist list_;
    std::vector<Known> known_;           // in order of UID
    std::vector<std::uint32_t> unknown_; // files without a UID, oldest first
    std::size_t missing_ = 0;            // entries without a file
    bool measured_known_ = false;
};

Result<Mailbox> Mailbox::open(const Maildir& maildir, const MailboxLimits& limits) {
    Mailbox box(maildir);
    auto list = Uidlist::load(maildir);
    if (!list) return list.error();
    RETURN_IF_ERROR(MailboxOpener(box, limits, std::move(*list)).run());
    box.pack();
    return box;
}

Status MailboxOpener::run() {
    RETURN_IF_ERROR(scan());
    if (scan_.files().empty() && !list_.exists()) return {};
    measure_all();
    if (!unknown_.empty() || measured_known_ || !list_.current()) RETURN_IF_ERROR(update_list());
    finish();
    return {};
}

// A message that has a UID and was not met may have been renamed under our eyes: look again unless nothing moved.
Status MailboxOpener::scan() {
    for (int round = 0; round < max_rounds; ++round) {
        RETURN_IF_ERROR(scan_.read(*box_.maildir_));
        join();
        if (missing_ == 0 || scan_.settled()) break;
    }
    return {};
}

void MailboxOpener::join() {
    known_.clear();
    unknown_.clear();
    missing_ = 0;
    std::vector<bool> claimed(scan_.files().size(), false);
    for (std::size_t i = 0; i < list_.entries().size(); ++i) {
        const auto file = scan_.find(list_.entries()[i].base());
        if (!file || claimed[*file]) {
            ++missing_;
        } else {
            claimed[*file] = true;
            known_.push_back({static_cast<std::uint32_t>(i), *file});
        }
    }
    for (std::uint32_t i = 0; i < claimed.size(); ++i)
        if (!claimed[i]) unknown_.push_back(i);
    apply_limit();
}

void MailboxOpener::apply_limit() {
    const std::size_t all = known_.size() + unknown_.size();
    box_.hidden_ = all > limits_.max_messages ? all - limits_.max_messages : 0;
    sort_unknown();
    known_.resize(std::min(known_.size(), limits_.max_messages));
    unknown_.resize(std::min(unknown_.size(), limits_.max_messages - known_.size()));
}

// Names are read once, not at each comparison: there may be 100,000.
void MailboxOpener::sort_unknown() {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> by_time;
    by_time.reserve(unknown_.size());
    for (const std::uint32_t file : unknown_) by_time.emplace_back(arrival_time(scan_.name(scan_.files()[file])), file);
    std::sort(by_time.begin(), by_time.end(), [this](const auto& a, const auto& b) {
        if (a.first != b.first) return a.first < b.first;
        return scan_.base(scan_.files()[a.second]) < scan_.base(scan_.files()[b.second]);
    });
    std::transform(by_time.begin(), by_time.end(), unknown_.begin(), [](const auto& one) { return one.second; });
}

// 0: nothing tells.
std::uint64_t MailboxOpener::octets_of(const UidEntry& entry, const ScannedFile& file) const {
    if (entry.octets_as_sent != 0) return entry.octets_as_sent;
    // What a uidlist says of names lies in the order of UIDs; the scan's names are all over the memory.
    const std::string_view name = entry.name.empty() ? scan_.name(file) : entry.base();
    if (const auto told = parse_maildir_name(name).crlf_size; told && *told != 0) return *told;
    if (file.octets != 0) return file.octets;
    return parse_uint(uidlist_field(entry.fields, 'W').value_or("")).value_or(0);
}

// False: it cannot be read and so does not count.
bool MailboxOpener::measure(std::uint32_t index) {
    Result<MessageFile> opened = Error{Errc::not_found, 0, {}};
    for (int attempt = 0; attempt < max_rounds; ++attempt) {
        const ScannedFile& file = scan_.files()[index];
        opened = open_message_file(box_.maildir_->folder(file.folder), std::string(scan_.name(file)));
        if (opened || opened.error().code != Errc::not_found || !scan_.read(*box_.maildir_)) break;
    }
    const auto measured = opened ? measure_file(opened->file.get()) : Result<MessageMeasure>(opened.error());
    ScannedFile& file = scan_.files()[index];
    if (!measured) {
        if (measured.error().code != Errc::not_found) log_unreadable(scan_.name(file), measured.error());
        return false;
    }
    file.octets = measured->sent();
    file.measured_w = measured->sent() == measured->virtual_size() ? measured->sent() : 0;
    return true;
}

// Reading messages may take long: the lock is not held.
void MailboxOpener::measure_all() {
    const auto sized = [this](const Known& k) {
        return octets_of(list_.entries()[k.entry], scan_.files()[k.file]) != 0;
    };
    if (!std::all_of(known_.begin(), known_.end(), sized)) list_.load_octets();
    std::erase_if(known_, [&](const Known& k) {
        if (sized(k)) return false;
        measured_known_ = true;
        return !measure(k.file);
    });
    std::erase_if(unknown_,
                  [&](std::uint32_t file) { return octets_of({}, scan_.files()[file]) == 0 && !measure(file); });
}

void MailboxOpener::hide_unknown() {
    box_.hidden_ += unknown_.size();
    unknown_.clear();
}

// Without the lock or the room on disk the messages that have UIDs can be read, and deleted, all the same.
Status MailboxOpener::update_list() {
    const auto lock = UidlistLock::acquire(*box_.maildir_, limits_.lock_wait);
    if (!lock) {
        if (!list_.exists()) return lock.error();
        log_unreadable(uidlist_lock_name, lock.error());
        hide_unknown();
        return {};
    }
    const auto other = list_.settle();
    if (!other) return other.error();
    if (drop_dead_lines() || *other) {
        join();
        measure_all();
    }
    return give_uids();
}

// A list that says more of messages that are gone than of others. Only what the folders, at rest, do not hold is gone.
bool MailboxOpener::drop_dead_lines() {
    if (missing_ < least_dead_lines || missing_ < known_.size() || !scan_.settled()) return false;
    std::erase_if(list_.entries(), [this](const UidEntry& entry) { return !scan_.find(entry.base()); });
    list_.rewrite();
    return true;
}

Status MailboxOpener::give_uids() {
    for (const Known& k : known_) {
        UidEntry& entry = list_.entries()[k.entry];
        const ScannedFile& file = scan_.files()[k.file];
        if (file.octets == 0) continue;
        entry.measured_w = file.measured_w;
        entry.octets_as_sent = file.measured_w == 0 ? file.octets : 0;
        list_.rewrite();
    }
    const std::size_t before = known_.size();
    for (const std::uint32_t index : unknown_) {
        const ScannedFile& file = scan_.files()[index];
        const auto uid = list_.add(scan_.base(file), file.measured_w, file.measured_w == 0 ? file.octets : 0);
        if (!uid) return uid.error();
        known_.push_back({static_cast<std::uint32_t>(list_.entries().size() - 1), index});
    }
    const auto written = list_.write();
    if (written) return {};
    if (!list_.exists()) return written.error();
    log_unreadable(uidlist_name, written.error());
    known_.resize(before);
    hide_unknown();
    return {};
}

void MailboxOpener::finish() {
    box_.uidvalidity_ = list_.uidvalidity();
    box_.messages_.reserve(known_.size());
    for (const Known& k : known_) {
        const UidEntry& entry = list_.entries()[k.entry];
        const ScannedFile& file = scan_.files()[k.file];
        if (const auto own = uidlist_field(entry.fields, 'P'); own && is_uidl(*own))
            box_.own_uidls_.emplace_back(static_cast<std::uint32_t>(box_.messages_.size()), *own);
        box_.messages_.push_back(
            {octets_of(entry, file), entry.uid, file.name_at, file.name_size, file.base_size, file.folder, false});
    }
}

} // namespace posada::store
