// SPDX-License-Identifier: BSD-2-Clause
// Maildrop: the messages of one session as the protocol sees them (RFC 1939 §5): numbers from 1, sizes, unique ids and
// the marks of DELE. Flat arrays: a mailbox of 100,000 messages costs 1.2 MB.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posada::pop3d {

class Maildrop {
  public:
    explicit Maildrop(std::uint32_t uidvalidity = 0) : uidvalidity_(uidvalidity) {}
    // own_uidl: one that the message has had before, else empty.
    void add(std::uint64_t octets, std::uint32_t uid, std::string_view own_uidl = {}) {
        octets_.push_back(octets);
        uids_.push_back(uid);
        if (!own_uidl.empty()) own_uidls_.emplace_back(size(), own_uidl);
        marked_.push_back(false);
        sent_.push_back(false);
        left_octets_ += octets;
        ++left_;
    }
    // Messages there were at the start; numbers never change.
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(octets_.size()); }
    // n is a number that is in use and not marked.
    [[nodiscard]] bool has(std::uint64_t n) const { return n >= 1 && n <= size() && !marked_[n - 1]; }
    [[nodiscard]] std::uint64_t octets(std::uint32_t n) const { return octets_[n - 1]; }
    // Dovecot's default form: uid and uidvalidity, eight lower-case hexadecimal digits each.
    void append_uidl(std::string& out, std::uint32_t n) const {
        const auto before = [](const auto& own, std::uint32_t number) { return own.first < number; };
        const auto own = std::lower_bound(own_uidls_.begin(), own_uidls_.end(), n, before);
        if (own != own_uidls_.end() && own->first == n) {
            out.append(own->second);
        } else {
            append_hex(out, uids_[n - 1]);
            append_hex(out, uidvalidity_);
        }
    }
    [[nodiscard]] std::string uidl(std::uint32_t n) const {
        std::string out;
        append_uidl(out, n);
        return out;
    }
    // Without those marked: what STAT counts.
    [[nodiscard]] std::uint32_t left() const { return left_; }
    [[nodiscard]] std::uint64_t left_octets() const { return left_octets_; }

    void mark(std::uint32_t n) { set_mark(n, true); }
    void unmark_all() {
        for (std::uint32_t n = 1; n <= size(); ++n) set_mark(n, false);
    }
    [[nodiscard]] std::vector<std::uint32_t> marked() const {
        return numbers([this](std::size_t i) { return marked_[i]; });
    }
    void set_sent(std::uint32_t n) { sent_[n - 1] = true; }
    // By RETR, to the end; without those marked.
    [[nodiscard]] std::vector<std::uint32_t> sent() const {
        return numbers([this](std::size_t i) { return sent_[i] && !marked_[i]; });
    }

  private:
    template <class Wanted>
    [[nodiscard]] std::vector<std::uint32_t> numbers(Wanted wanted) const {
        std::vector<std::uint32_t> out;
        for (std::uint32_t n = 1; n <= size(); ++n)
            if (wanted(n - 1)) out.push_back(n);
        return out;
    }
    void set_mark(std::uint32_t n, bool on) {
        if (marked_[n - 1] == on) return;
        marked_[n - 1] = on;
        left_ = on ? left_ - 1 : left_ + 1;
        left_octets_ = on ? left_octets_ - octets_[n - 1] : left_octets_ + octets_[n - 1];
    }

    static void append_hex(std::string& out, std::uint32_t number) {
        for (int shift = 28; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(number >> shift) & 0xf]);
    }

    std::uint32_t uidvalidity_;
    std::vector<std::uint64_t> octets_;
    std::vector<std::uint32_t> uids_;
    std::vector<std::pair<std::uint32_t, std::string>> own_uidls_; // by number
    std::vector<bool> marked_;
    std::vector<bool> sent_;
    std::uint32_t left_ = 0;
    std::uint64_t left_octets_ = 0;
};

} // namespace posada::pop3d
