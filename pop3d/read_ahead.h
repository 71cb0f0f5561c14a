// SPDX-License-Identifier: BSD-2-Clause
// ReadAhead: which messages to ask the agent for, and the opened ones that are not needed yet. A client that takes one
// message after the other finds the next descriptor here, so that no RETR or TOP waits for another process; who jumps
// about gets one descriptor at a time. No I/O: descriptors are held, not used.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "pop3d/agent_protocol.h"

namespace posada::pop3d {

struct OpenedMessage {
    UniqueFd file;
    std::uint64_t size = 0; // of the file
};

class ReadAhead {
  public:
    explicit ReadAhead(std::uint32_t messages = 0) : messages_(messages), limit_(messages) {}

    // The session waits for this message; take() gives it, now or after a later answer.
    void want(std::uint32_t number);
    std::optional<OpenedMessage> take();
    // What to ask the agent for now, until nothing: the agent opens the next messages while these are sent, and never
    // waits for a request. The caller asks, and brings the answers back in the same order, each with its range.
    std::optional<Fetch> next_request();
    void answered(const Fetch& asked, std::vector<OpenedMessage> messages);
    // True: the message that the session waits for cannot be had.
    bool failed(const Fetch& asked);

  private:
    [[nodiscard]] bool current(const Fetch& asked) const {
        return !asked_.empty() && asked_.front().first == asked.first;
    }
    [[nodiscard]] std::uint32_t end() const; // behind all that are here or on their way
    void drop_before(std::uint32_t number);

    std::uint32_t messages_;
    std::uint32_t limit_;              // this one could not be opened: it is asked for again only when it is wanted
    std::deque<OpenedMessage> opened_; // first_, first_ + 1 ...
    std::uint32_t first_ = 0;
    std::uint32_t last_wanted_ = 0;
    bool waiting_ = false; // for last_wanted_
    std::uint32_t window_ = 0;
    std::deque<Fetch> asked_; // in a row, behind what is here
};

} // namespace posada::pop3d
