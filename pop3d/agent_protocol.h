// SPDX-License-Identifier: BSD-2-Clause
// What the net process may ask of the agent of the user who logged in, and the form of it. Message numbers count from 0
// here. The answers hold numbers, unique ids and descriptors; what a message says passes the agent in a descriptor
// only.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/priv/request.h"

namespace posada::pop3d {

constexpr std::uint16_t open_mailbox_request = 2;
constexpr std::uint16_t list_request = 4;
constexpr std::uint16_t fetch_request = 6;
constexpr std::uint16_t remove_request = 8;
constexpr std::uint16_t commit_request = 10;
constexpr std::uint16_t mark_seen_request = 12;

constexpr std::uint32_t fetch_batch = 32;   // messages in one answer to fetch
constexpr std::size_t remove_batch = 8'000; // numbers in one remove or mark_seen request

// before_login: the mailbox is not open yet.
constexpr std::array<priv::RequestInfo, 6> agent_requests{{
    {open_mailbox_request, "open_mailbox", priv::before_login, true, 0, 0, 0,
     "Locks the mailbox for this session and counts its messages."},
    {list_request, "list", priv::after_login, false, 4, 0, 0, "Sizes and unique ids of messages, as many as fit."},
    {fetch_request, "fetch", priv::after_login, false, 8, 0, fetch_batch,
     "Messages in a row, each as a descriptor to read from."},
    {remove_request, "remove", priv::after_login, false, 4 + 4 * remove_batch, 0, 0, "Removes these messages."},
    {commit_request, "commit", priv::after_login, true, 0, 0, 0, "Makes the removals durable."},
    {mark_seen_request, "mark_seen", priv::after_login, false, 4 + 4 * remove_batch, 0, 0,
     "Marks these messages as read."},
}};

struct MailboxSummary {
    std::uint32_t messages = 0;
    std::uint32_t uidvalidity = 0;
    std::uint64_t hidden = 0; // messages above the limit of one session
};
std::string encode(const MailboxSummary& summary);
Result<MailboxSummary> decode_mailbox_summary(std::string_view body);

std::string encode_number(std::uint32_t number); // list: the first wanted
Result<std::uint32_t> decode_number(std::string_view payload);

std::string encode_numbers(std::span<const std::uint32_t> numbers);
Result<std::vector<std::uint32_t>> decode_numbers(std::string_view payload);

// fetch: count messages from first on. The answer may have fewer, at least one. Being fetched, ahead of need, does not
// mean that a message was read.
struct FetchRange {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};
std::string encode(const FetchRange& range);
Result<FetchRange> decode_fetch_range(std::string_view payload);

// Its answer: how large the files are, in the order of the descriptors.
std::string encode_sizes(std::span<const std::uint64_t> sizes);
Result<std::vector<std::uint64_t>> decode_sizes(std::string_view body);

struct ListedMessage {
    std::uint64_t octets = 0;
    std::uint32_t uid = 0;
    std::string uidl; // empty: made of uid and uidvalidity
};
// Takes messages until the answer is full or there are no more. Twelve octets each; a unique id of its own is text
// behind all of them.
class ListBatch {
  public:
    bool add(std::uint64_t octets, std::uint32_t uid, std::string_view own_uidl); // false: full
    [[nodiscard]] std::string take();

  private:
    std::string entries_;
    std::string texts_; // index and text
    std::uint32_t count_ = 0;
    std::uint32_t text_count_ = 0;
};
Result<std::vector<ListedMessage>> decode_list_batch(std::string_view body);

} // namespace posada::pop3d
