// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/uidlist.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/store/replace_file.h"
#include "common/store/uidvalidity.h"

namespace posada::store {

namespace {

constexpr int read_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
constexpr std::uint64_t max_uidlist = std::uint64_t{1} << 30; // more is not a uidlist but somebody's mistake
constexpr std::size_t seal_line = 1 + 32 + 1;

void log_trouble(const char* name, std::string_view error) {
    log(event::mailbox_error, {{"name", name}, {"error", std::string(error)}});
}

// Z is the last field we write.
void take_octets_as_sent(UidEntry& entry) {
    const std::size_t space = entry.fields.rfind(' ');
    const std::size_t begin = space == std::string_view::npos ? 0 : space + 1;
    const std::string_view last = entry.fields.substr(begin);
    if (!last.starts_with('Z')) return;
    entry.octets_as_sent = parse_uint(last.substr(1)).value_or(0);
    entry.fields = entry.fields.substr(0, begin == 0 ? 0 : begin - 1);
}

// Both in ascending order. Returns the first of from that is behind all of to.
std::vector<UidEntry>::const_iterator merge_octets(const std::vector<UidEntry>& from, std::vector<UidEntry>& to) {
    auto next = from.begin();
    for (UidEntry& entry : to) {
        while (next != from.end() && next->uid < entry.uid) ++next;
        if (next != from.end() && next->uid == entry.uid) entry.octets_as_sent = next->octets_as_sent;
    }
    while (next != from.end() && !to.empty() && next->uid <= to.back().uid) ++next;
    return next;
}

} // namespace

Uidlist::Stamp Uidlist::stamp_of(const struct stat& st) {
    return {static_cast<std::uint64_t>(st.st_size),
            std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec, st.st_ino};
}

// Without the inode, which a copied mailbox does not keep.
std::string Uidlist::seal_of(const Stamp& stamp) {
    Writer out;
    out.u64(stamp.size);
    out.u64(static_cast<std::uint64_t>(stamp.mtime));
    return hex(out.bytes());
}

Result<Uidlist::Text> Uidlist::read_text(int fd, const struct stat& st) {
    if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) > max_uidlist)
        return Error{Errc::corrupt, 0, "not a file of a uidlist's size"};
    Text out;
    const auto wanted = static_cast<std::size_t>(st.st_size);
    out.bytes = std::unique_ptr<char[]>(new char[wanted + 1]);
    while (out.size < wanted) {
        const ssize_t n = ::read(fd, out.bytes.get() + out.size, wanted - out.size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(uidlist_name);
        if (n == 0) break;
        out.size += static_cast<std::size_t>(n);
    }
    return out;
}

Result<Uidlist> Uidlist::load(const Maildir& maildir) {
    Uidlist out(maildir);
    RETURN_IF_ERROR(out.load_main());
    return out;
}

Status Uidlist::load_main() {
    exists_ = damaged_ = sealed_ = false;
    entries_.clear();
    header_ = {};
    const UniqueFd fd(::openat(maildir_->root(), uidlist_name, read_flags));
    struct stat st {};
    if (!fd.valid() || ::fstat(fd.get(), &st) != 0) {
        stamp_ = {};
        return errno == ENOENT || errno == ELOOP ? Status() : Status(errno_error(uidlist_name));
    }
    stamp_ = stamp_of(st);
    auto text = read_text(fd.get(), st);
    if (!text && text.error().code != Errc::corrupt) return text.error();
    if (text) main_ = std::move(*text);
    auto parsed = text ? parse_uidlist(main_.view()) : Result<UidlistText>(text.error());
    damaged_ = !parsed || parsed->damaged;
    if (!parsed) return {};
    exists_ = true;
    header_ = std::move(parsed->header);
    entries_ = std::move(parsed->entries);
    added_from_ = entries_.size();
    sealed_ = read_seal() == seal_of(stamp_);
    return {};
}

std::string Uidlist::read_seal() const {
    const UniqueFd fd(::openat(maildir_->root(), uidlist_copy_name, read_flags));
    struct stat st {};
    char line[seal_line];
    if (!fd.valid() || ::fstat(fd.get(), &st) != 0 || st.st_size < static_cast<off_t>(seal_line)) return {};
    const ssize_t n = ::pread(fd.get(), line, seal_line, st.st_size - static_cast<off_t>(seal_line));
    if (n != static_cast<ssize_t>(seal_line) || line[0] != '#' || line[seal_line - 1] != '\n') return {};
    return {line + 1, seal_line - 2};
}

Result<UidlistText> Uidlist::load_copy() {
    const UniqueFd fd(::openat(maildir_->root(), uidlist_copy_name, read_flags));
    struct stat st {};
    if (!fd.valid() || ::fstat(fd.get(), &st) != 0) return errno_error(uidlist_copy_name);
    auto text = read_text(fd.get(), st);
    if (!text) return text.error();
    copy_ = std::move(*text);
    auto parsed = parse_uidlist(copy_.view());
    if (!parsed) return parsed.error();
    for (UidEntry& entry : parsed->entries) take_octets_as_sent(entry);
    return parsed;
}

void Uidlist::load_octets() {
    octets_loaded_ = true;
    const auto copy = load_copy();
    if (copy && copy->header.uidvalidity == header_.uidvalidity) merge_octets(copy->entries, entries_);
}

Result<bool> Uidlist::settle() {
    struct stat st {};
    const bool there = ::fstatat(maildir_->root(), uidlist_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    const bool changed = (there ? stamp_of(st) : Stamp{}) != stamp_;
    if (changed) RETURN_IF_ERROR(load_main());
    if (header_.next_uid > UINT32_MAX - uids_skipped) { // used up, or said to be
        RETURN_IF_ERROR(start_anew());
        return true;
    }
    if (current()) return changed;
    const std::size_t before = entries_.size();
    RETURN_IF_ERROR(recover());
    return changed || entries_.size() != before || !exists_;
}

// Whatever the list still says holds; the copy adds what must have been behind it. What it says of older UIDs does not
// count where the list is whole: those are gone.
Status Uidlist::recover() {
    octets_loaded_ = true;
    auto copy = load_copy();
    if (!exists_) {
        if (!copy) return start_anew();
        header_ = copy->header;
        entries_ = std::move(copy->entries);
    } else if (copy && copy->header.uidvalidity == header_.uidvalidity) {
        add_from_copy(*copy);
    }
    if (exists_ && !damaged_) return {};
    log_trouble(uidlist_name, exists_ ? "damaged: the rest is taken from the copy" : "lost: rebuilt from the copy");
    if (header_.next_uid > UINT32_MAX - 2 * uids_skipped) return start_anew();
    header_.next_uid += uids_skipped;
    rewrite_ = true;
    return {};
}

void Uidlist::add_from_copy(const UidlistText& copy) {
    const std::uint32_t known = damaged_ ? 0 : header_.next_uid - 1;
    for (auto from = merge_octets(copy.entries, entries_); from != copy.entries.end(); ++from)
        if (from->uid > known) entries_.push_back(*from);
    rewrite_ = rewrite_ || copy.header.next_uid > header_.next_uid;
    header_.next_uid = std::max(header_.next_uid, copy.header.next_uid);
}

Status Uidlist::start_anew() {
    entries_.clear();
    auto uidvalidity = next_uidvalidity(*maildir_, header_.uidvalidity);
    if (!uidvalidity) return uidvalidity.error();
    header_ = {};
    header_.uidvalidity = *uidvalidity;
    header_.guid = new_mailbox_guid();
    rewrite_ = true;
    return {};
}

Result<std::uint32_t> Uidlist::add(std::string_view name, std::uint64_t measured_w, std::uint64_t octets_as_sent) {
    if (header_.next_uid == UINT32_MAX) return Error{Errc::limit, 0, "all UIDs are used up"};
    const std::uint32_t uid = header_.next_uid++;
    entries_.push_back({uid, {}, name, measured_w, octets_as_sent});
    return uid;
}

Status Uidlist::write() {
    // What somebody else wrote, or we in vain, may not be on stable storage.
    const bool whole = rewrite_ || !exists_ || !sealed_;
    if (whole) {
        RETURN_IF_ERROR(write_main());
    } else if (added_from_ < entries_.size()) {
        RETURN_IF_ERROR(append_main());
    }
    if (auto written = write_copy(); !written) log_trouble(uidlist_copy_name, written.error().describe());
    added_from_ = entries_.size();
    exists_ = sealed_ = true;
    damaged_ = rewrite_ = false;
    return {};
}

Status Uidlist::write_main() {
    std::string text;
    append_header(text, header_);
    for (const UidEntry& entry : entries_) append_entry(text, entry, false);
    auto stamp = replace_file(*maildir_, uidlist_name, text, FileSync::yes);
    if (!stamp) return stamp.error();
    stamp_ = stamp_of(*stamp);
    return {};
}

Status Uidlist::append_main() {
    std::string text;
    for (std::size_t i = added_from_; i < entries_.size(); ++i) append_entry(text, entries_[i], false);
    auto stamp = append_file(*maildir_, uidlist_name, text, FileSync::yes);
    if (!stamp) return stamp.error();
    stamp_ = stamp_of(*stamp);
    return {};
}

// Synced like the list itself: a crash may take that away, and its ids must not go with it.
Status Uidlist::write_copy() {
    const bool append = sealed_ && !rewrite_;
    if (!append && !octets_loaded_) load_octets();
    std::string text;
    if (!append) append_header(text, header_);
    for (std::size_t i = append ? added_from_ : 0; i < entries_.size(); ++i) append_entry(text, entries_[i], true);
    text.append("#").append(seal_of(stamp_)).append("\n");
    const auto written = append ? append_file(*maildir_, uidlist_copy_name, text, FileSync::yes)
                                : replace_file(*maildir_, uidlist_copy_name, text, FileSync::yes);
    return written ? Status() : Status(written.error());
}

} // namespace posada::store
