// SPDX-License-Identifier: BSD-2-Clause
// What the net process may ask of the agent of the user who logged in. Message numbers count from 0 here. The answers
// hold numbers, unique ids and descriptors; what a message says passes the agent in a descriptor only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/priv/request_list.h"

namespace posada::pop3d {

constexpr priv::Phase mailbox_closed = priv::first_phase;
constexpr priv::Phase mailbox_open = priv::second_phase;

constexpr std::uint32_t fetch_batch = 32;                   // messages in one answer to fetch
constexpr std::size_t remove_batch = 8'000;                 // numbers in one remove or mark_seen request
constexpr std::size_t list_octets = priv::max_payload - 64; // of one answer to list

struct MailboxSummary {
    std::uint32_t messages = 0;
    std::uint32_t uidvalidity = 0;
    std::uint64_t hidden = 0; // messages above the limit of one session
    FIELDS(messages, uidvalidity, hidden)
};
struct OpenMailboxRequest {
    FIELDS()
    using Answer = MailboxSummary;
    static constexpr priv::RequestInfo row{.type = 2,
                                           .name = "open_mailbox",
                                           .phases = mailbox_closed,
                                           .once = true,
                                           .then = mailbox_open,
                                           .meaning = "Locks the mailbox for this session and counts its messages."};
};

struct ListedMessage {
    std::uint64_t octets = 0;
    std::uint32_t uid = 0;
    std::string uidl; // empty: made of uid and uidvalidity
    FIELDS(octets, uid, uidl)
};
struct MessageList {
    std::vector<ListedMessage> messages;
    FIELDS(messages)
};
struct List {
    std::uint32_t first = 0;
    FIELDS(first)
    using Answer = MessageList;
    static constexpr priv::RequestInfo row{.type = 4,
                                           .name = "list",
                                           .phases = mailbox_open,
                                           .meaning = "Sizes and unique ids of messages, as many as fit."};
};

// How large the files are, in the order of the descriptors. There may be fewer than were asked for, at least one.
struct FileSizes {
    std::vector<std::uint64_t> sizes;
    FIELDS(sizes)
};
// Being fetched, ahead of need, does not mean that a message was read.
struct Fetch {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    FIELDS(first, count)
    using Answer = FileSizes;
    static constexpr priv::RequestInfo row{.type = 6,
                                           .name = "fetch",
                                           .phases = mailbox_open,
                                           .fds_out = fetch_batch,
                                           .meaning = "Messages in a row, each as a descriptor to read from."};
};

struct Remove {
    std::vector<std::uint32_t> numbers;
    FIELDS(numbers)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{.type = 8,
                                           .name = "remove",
                                           .phases = mailbox_open,
                                           .max_bytes = 2 + 4 * remove_batch,
                                           .meaning = "Removes these messages."};
};
struct MarkSeen {
    std::vector<std::uint32_t> numbers;
    FIELDS(numbers)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{.type = 12,
                                           .name = "mark_seen",
                                           .phases = mailbox_open,
                                           .max_bytes = 2 + 4 * remove_batch,
                                           .meaning = "Marks these messages as read."};
};
struct Commit {
    FIELDS()
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = 10, .name = "commit", .phases = mailbox_open, .once = true, .meaning = "Makes the removals durable."};
};

using AgentRequests = priv::Requests<OpenMailboxRequest, List, Fetch, Remove, Commit, MarkSeen>;

} // namespace posada::pop3d
