// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/import.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/store/maildir_name.h"
#include "common/store/uidlist.h"
#include "common/store/uidlist_lock.h"

namespace posada::store {

namespace {

constexpr std::size_t batch_messages = 1024;
constexpr std::uint64_t batch_octets = 64U << 20;
constexpr Millis lock_wait{10'000};
constexpr std::size_t digest_octets = 16; // of SHA-256: enough to tell messages apart
constexpr std::string_view tail = ".import";

// Without the sizes: what final_name() made.
std::string_view name_part(std::string_view file) { return file.substr(0, file.find_first_of(",:")); }

// The From_ line's date: local time unless it names its zone.
UnixTime arrival(const FromLine& from) {
    if (from.utc_offset) return from.local_time - *from.utc_offset;
    const time_t as_utc = from.local_time;
    struct tm parts {};
    if (::gmtime_r(&as_utc, &parts) == nullptr) return from.local_time;
    parts.tm_isdst = -1;
    return ::mktime(&parts);
}

// File names by what stands before their sizes.
Result<std::unordered_map<std::string, std::string>> files_by_name(const Maildir& maildir) {
    std::unordered_map<std::string, std::string> out;
    for (const Folder f : {Folder::fresh, Folder::cur}) {
        const auto files = list_files(maildir.folder(f), folder_name(f));
        if (!files) return files.error();
        for (const std::string& file : *files) out.emplace(name_part(file), file);
    }
    return out;
}

} // namespace

MailImport::MailImport(const Maildir& maildir, ImportOptions options, const Clock& clock)
    : maildir_(maildir), options_(std::move(options)), clock_(clock), batch_(maildir, options_.sync),
      digest_(::EVP_MD_CTX_new()) {}

MailImport::~MailImport() = default;

// The directories are synced before a name counts: it may be the only trace of a batch that was about to be.
Status MailImport::start() {
    for (const Folder f : {Folder::fresh, Folder::cur}) {
        const auto files = list_files(maildir_.folder(f), folder_name(f));
        if (!files) return files.error();
        for (const std::string& file : *files)
            if (name_part(file).ends_with(tail)) there_.emplace(name_part(file));
        RETURN_IF_ERROR(sync_file(maildir_.ops(), maildir_.folder(f), folder_name(f)));
    }
    return {};
}

void MailImport::fail(const Status& status) {
    if (verdict_ && !status) verdict_ = status;
}

void MailImport::begin(const FromLine& from) {
    from_ = from;
    size_ = 0;
    if (!verdict_) return;
    if (::EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr) != 1) return fail(Error{Errc::io, 0, "SHA-256"});
    fail(batch_.begin(unique_name(clock_.unix_micros(), ::getpid(), sequence_++, options_.hostname)));
}

void MailImport::content(std::string_view bytes) {
    if (!verdict_) return;
    size_ += bytes.size();
    (void)::EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
    fail(batch_.write(bytes));
}

// "1700000000.I<hash>N0.import": the same whenever this message is met again.
std::string MailImport::final_name() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    (void)::EVP_DigestFinal_ex(digest_.get(), digest, nullptr);
    const std::string content = hex({reinterpret_cast<const char*>(digest), digest_octets});
    const std::int64_t date = from_.local_time - from_.utc_offset.value_or(0);
    const std::string name = std::to_string(std::max<std::int64_t>(date, 0)) + ".I" + content;
    return name + "N" + std::to_string(equals_[name]++) + std::string(tail);
}

void MailImport::end(const MboxStatus& status) {
    if (!verdict_) return;
    const bool is_mail = size_ != 0 && !status.internal;
    Pending message{is_mail ? final_name() : "", size_, options_.keep_uidl ? status.uidl : ""};
    if (!is_mail || there_.count(message.base) != 0) {
        ++(status.internal ? counts_.internal : size_ == 0 ? counts_.empty : counts_.already_there);
        batch_.refuse(Error{Errc::exists, 0, "not needed"});
        if (is_mail) named_.push_back(message);
        message.base.clear(); // commit() passes over it
    } else {
        Filing filing{message.base, status.seen_before, flags_of(status), arrival(from_)};
        filing.into_cur = filing.into_cur || !filing.flags.empty();
        fail(batch_.end(filing));
    }
    pending_.push_back(std::move(message));
    pending_octets_ += size_;
    if (batch_.size() >= batch_messages || pending_octets_ >= batch_octets) fail(commit());
}

std::string MailImport::flags_of(const MboxStatus& status) {
    std::string out = status.flags;
    if (!options_.keep_keywords) return out;
    std::string letters;
    for (const std::string& keyword : status.keywords) {
        const auto letter = keyword_letter(keyword);
        if (letter && letters.find(*letter) == std::string::npos) letters += *letter;
        if (!letter && letter.error().code == Errc::limit) ++counts_.keywords_lost;
        if (!letter && letter.error().code != Errc::limit && letter.error().code != Errc::invalid) fail(letter.error());
    }
    std::sort(letters.begin(), letters.end());
    return out + letters;
}

// A new name is in the file before a message's name uses its letter.
Result<char> MailImport::keyword_letter(const std::string& name) {
    if (keywords_)
        if (const auto known = keywords_->letter(name)) return *known;
    auto lock = UidlistLock::acquire(maildir_, lock_wait);
    if (!lock) return lock.error();
    auto now = Keywords::load(maildir_);
    if (!now) return now.error();
    const bool known = now->letter(name).has_value();
    const auto letter = now->add(name);
    if (letter && !known) RETURN_IF_ERROR(now->write(maildir_, *lock));
    keywords_ = std::move(*now);
    return letter;
}

// UIDs are given here, in the source's order. The lock is held from before the messages can be seen: nobody else gives
// them any meanwhile.
Status MailImport::commit() {
    auto lock = UidlistLock::acquire(maildir_, lock_wait);
    if (!lock) return lock.error();
    RETURN_IF_ERROR(note_committed());
    RETURN_IF_ERROR(write_uids());
    named_.clear();
    return {};
}

Status MailImport::note_committed() {
    const std::vector<Status> done = batch_.commit();
    Status first;
    for (std::size_t i = 0; i < done.size() && i < pending_.size(); ++i) {
        if (pending_[i].base.empty()) continue;
        if (!done[i]) {
            if (first) first = done[i];
            continue;
        }
        ++counts_.imported;
        counts_.octets += pending_[i].size;
        named_.push_back(std::move(pending_[i]));
    }
    pending_.clear();
    pending_octets_ = 0;
    return first;
}

Status MailImport::write_uids() {
    if (named_.empty()) return {};
    auto list = Uidlist::load(maildir_);
    if (!list) return list.error();
    if (auto settled = list->settle(); !settled) return settled.error();
    const auto files = files_by_name(maildir_);
    if (!files) return files.error();
    std::unordered_set<std::string> used;
    std::unordered_map<std::string, std::string> known; // name -> unique id
    for (const UidEntry& entry : list->entries()) {
        const std::string own(uidlist_field(entry.fields, 'P').value_or(""));
        if (!own.empty()) used.insert(own);
        known.emplace(name_part(entry.name), own);
    }
    std::vector<std::string> fields; // viewed until write()
    fields.reserve(named_.size());
    for (const Pending& message : named_) {
        const auto file = files->find(message.base);
        const auto before = known.find(message.base);
        const bool named = !message.uidl.empty();
        if (before != known.end() || file == files->end()) {
            if (named && (before == known.end() || before->second != message.uidl)) ++counts_.uidls_lost;
            continue;
        }
        if (auto uid = list->add(file->second, 0, 0); !uid) return uid.error();
        if (!named) continue;
        if (!used.insert(message.uidl).second) {
            ++counts_.uidls_lost;
            continue;
        }
        fields.push_back("P" + message.uidl);
        list->entries().back().fields = fields.back();
        ++counts_.uidls_kept;
    }
    return list->write();
}

Status MailImport::finish() {
    if (verdict_) fail(commit());
    return verdict_;
}

} // namespace posada::store
