// SPDX-License-Identifier: BSD-2-Clause
// Maildrop: the messages of one session as the protocol sees them (RFC 1939 §5): numbers from 1, sizes, unique ids and
// the marks of DELE. Three flat arrays: a mailbox of 100,000 messages costs a few megabytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posada::pop3d {

class Maildrop {
  public:
    void add(std::uint64_t octets, std::string_view uidl) {
        octets_.push_back(octets);
        uidls_.append(uidl);
        uidl_ends_.push_back(uidls_.size());
        marked_.push_back(false);
        left_octets_ += octets;
        ++left_;
    }
    // Messages there were at the start; numbers never change.
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(octets_.size()); }
    // n is a number that is in use and not marked.
    [[nodiscard]] bool has(std::uint64_t n) const { return n >= 1 && n <= size() && !marked_[n - 1]; }
    [[nodiscard]] std::uint64_t octets(std::uint32_t n) const { return octets_[n - 1]; }
    [[nodiscard]] std::string_view uidl(std::uint32_t n) const {
        const std::size_t begin = n == 1 ? 0 : uidl_ends_[n - 2];
        return std::string_view(uidls_).substr(begin, uidl_ends_[n - 1] - begin);
    }
    // Without those marked: what STAT counts.
    [[nodiscard]] std::uint32_t left() const { return left_; }
    [[nodiscard]] std::uint64_t left_octets() const { return left_octets_; }

    void mark(std::uint32_t n) { set_mark(n, true); }
    void unmark_all() {
        for (std::uint32_t n = 1; n <= size(); ++n) set_mark(n, false);
    }
    [[nodiscard]] std::vector<std::uint32_t> marked() const {
        std::vector<std::uint32_t> out;
        for (std::uint32_t n = 1; n <= size(); ++n)
            if (marked_[n - 1]) out.push_back(n);
        return out;
    }

  private:
    void set_mark(std::uint32_t n, bool on) {
        if (marked_[n - 1] == on) return;
        marked_[n - 1] = on;
        left_ = on ? left_ - 1 : left_ + 1;
        left_octets_ = on ? left_octets_ - octets_[n - 1] : left_octets_ + octets_[n - 1];
    }

    std::vector<std::uint64_t> octets_;
    std::string uidls_; // one behind the other
    std::vector<std::size_t> uidl_ends_;
    std::vector<bool> marked_;
    std::uint32_t left_ = 0;
    std::uint64_t left_octets_ = 0;
};

} // namespace posada::pop3d
