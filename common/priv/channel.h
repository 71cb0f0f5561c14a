// SPDX-License-Identifier: BSD-2-Clause
// Channel: typed messages with descriptors between processes of posada, over a SOCK_SEQPACKET socket.
// Header {u16 type, u16 descriptors, u32 length, u64 session}, then the payload (common/base/bytes.h), at most 64 KiB
// in all. One message is one packet: there is no framing to attack and no partial read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/base/secret.h"

namespace posada::priv {

constexpr std::size_t max_packet = 64 * 1024;
constexpr std::size_t header_size = 16;
constexpr std::size_t max_payload = max_packet - header_size;
constexpr unsigned max_descriptors = 64; // per message

struct Message {
    Message() = default;
    // A short payload is copied by a move: what it leaves behind is wiped, for it may be a password.
    Message(Message&& other) noexcept
        : type(other.type), session(other.session), payload(std::move(other.payload)), fds(std::move(other.fds)) {
        wipe(other.payload);
    }
    Message& operator=(Message&& other) noexcept {
        if (this == &other) return *this;
        type = other.type;
        session = other.session;
        payload = std::move(other.payload);
        fds = std::move(other.fds);
        wipe(other.payload);
        return *this;
    }
    std::uint16_t type = 0;
    std::uint64_t session = 0;
    std::string payload;
    std::vector<UniqueFd> fds; // received with O_CLOEXEC
};

class Channel {
  public:
    Channel() = default;
    explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] bool valid() const noexcept { return fd_.valid(); }
    void close() { fd_.reset(); }
    UniqueFd take() { return std::move(fd_); }

    // The descriptors are borrowed; the kernel duplicates them. Errc::closed when the peer is gone, Errc::busy when a
    // non-blocking socket is full or, blocking or not, the processes of this user have too many descriptors on their
    // way to others: try again. It has slept a millisecond then, so that whoever tries at once does not spin.
    Status send(std::uint16_t type, std::uint64_t session, std::string_view payload, std::span<const int> fds = {});
    // nullopt = end of file. Errc::busy = nothing there now (non-blocking). Errc::protocol = malformed packet or more
    // than max_fds descriptors (they are closed). With max_fds == 0 there is no control buffer at all.
    Result<std::optional<Message>> receive(unsigned max_fds);
    // send, then wait for the one answer (type + 1); for blocking users: agents, tools, workers.
    Result<Message> call(std::uint16_t type, std::uint64_t session, std::string_view payload,
                         std::span<const int> fds = {}, unsigned max_fds = 0, Millis timeout = Millis(30'000));

  private:
    UniqueFd fd_;
};

// Answers carry a verdict in front: u8 0 = ok, else 1 + Errc followed by a text for the log.
std::string encode_ok(std::string_view body = {});
std::string encode_failure(const Error& error);
// It begins with a verdict.
bool is_answer(std::string_view payload);
// The body after the verdict, or the Error the other side sent; Errc::protocol if neither.
Result<std::string_view> decode_answer(std::string_view payload);

} // namespace posada::priv
