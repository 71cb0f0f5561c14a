// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/mailbox_spaces.h"

#include <openssl/evp.h>

#include <algorithm>

namespace posada::smtpd {

namespace {

constexpr std::size_t key_size = 16;

std::uint64_t less(std::uint64_t from, std::uint64_t by) {
    return from == unlimited_space ? from : from - std::min(from, by);
}

} // namespace

std::string mailbox_key(std::string_view local_part) {
    unsigned char digest[EVP_MAX_MD_SIZE] = {};
    unsigned size = 0;
    (void)EVP_Digest(local_part.data(), local_part.size(), digest, &size, EVP_sha256(), nullptr);
    return {reinterpret_cast<const char*>(digest), key_size};
}

void SpaceReports::note(std::string_view local_part, const MailboxSpace& space, Instant now) {
    const std::string key = mailbox_key(local_part);
    const bool tight = space.octets < max_message_ || space.messages < tight_messages;
    if (!tight && reports_.erase(key) == 0) return;
    ++version_;
    if (!tight) return;
    if (reports_.size() >= max_space_reports && reports_.count(key) == 0) make_room(now);
    reports_[key] = Report{space, now + trust_};
}

// The old ones go; if all are young, the oldest of them.
void SpaceReports::make_room(Instant now) {
    std::erase_if(reports_, [now](const auto& entry) { return entry.second.until <= now; });
    if (reports_.size() < max_space_reports) return;
    reports_.erase(std::min_element(reports_.begin(), reports_.end(),
                                    [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
}

Spaces SpaceReports::told(Instant now) const {
    Spaces out{version_, {}};
    for (const auto& [key, report] : reports_) {
        if (report.until <= now) continue;
        const auto left = std::chrono::duration_cast<Millis>(report.until - now).count();
        out.spaces.push_back({key, static_cast<std::uint32_t>(left), report.space});
    }
    return out;
}

void KnownSpaces::adopt(Spaces told, Instant now) {
    spaces_.clear();
    for (ReportedSpace& one : told.spaces)
        spaces_[std::move(one.mailbox)] = Known{one.space, now + Millis(one.trusted_ms)};
}

KnownSpaces::Verdict KnownSpaces::ask(std::string_view local_part, std::uint64_t octets, Instant now) const {
    if (spaces_.empty()) return Verdict::room;
    const auto found = spaces_.find(mailbox_key(local_part));
    if (found == spaces_.end() || found->second.until <= now) return Verdict::room;
    const MailboxSpace& space = found->second.space;
    if (space.messages != 0 && space.octets >= std::max(octets, least_mail)) return Verdict::room;
    return space.reject ? Verdict::full_for_good : Verdict::full;
}

void KnownSpaces::accepted(std::string_view local_part, std::uint64_t octets) {
    if (spaces_.empty()) return;
    const auto found = spaces_.find(mailbox_key(local_part));
    if (found == spaces_.end()) return;
    MailboxSpace& space = found->second.space;
    space.octets = less(space.octets, octets);
    space.messages = less(space.messages, 1);
}

} // namespace posada::smtpd
