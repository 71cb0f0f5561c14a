// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/channel.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include <cstdint>
#include <cstring>
#include <memory>

#include "common/base/bytes.h"

namespace posada::priv {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t large_packet = 2 * page;
constexpr std::size_t control_size = CMSG_SPACE(sizeof(int) * max_descriptors);

std::string encode_header(std::uint16_t type, std::size_t fds, std::size_t length, std::uint64_t session) {
    Writer w;
    w.u16(type);
    w.u16(static_cast<std::uint16_t>(fds));
    w.u32(static_cast<std::uint32_t>(length));
    w.u64(session);
    return w.take();
}

void attach(msghdr& msg, char* control, std::span<const int> fds) {
    msg.msg_control = control;
    msg.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
}

void collect(msghdr& msg, std::vector<UniqueFd>& fds) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&msg); c != nullptr; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            fds.emplace_back(fd);
        }
    }
}

Result<std::optional<Message>> decode(std::string_view packet, std::vector<UniqueFd> fds, unsigned max_fds) {
    Reader r(packet.substr(0, header_size));
    Message m;
    m.type = r.u16();
    const std::uint16_t declared = r.u16();
    const std::uint32_t length = r.u32();
    m.session = r.u64();
    if (r.failed() || length != packet.size() - header_size || declared != fds.size() || fds.size() > max_fds)
        return Error{Errc::protocol, 0, "malformed packet"};
    m.payload = packet.substr(header_size);
    m.fds = std::move(fds);
    return std::optional<Message>(std::move(m));
}

// unix(7): all processes of a user together may have RLIMIT_NOFILE descriptors sent and not yet received. Whoever they
// were sent to is about to receive them; to be told at once would have the caller spin.
Status wait_for_receivers() {
    constexpr timespec a_moment{0, 1'000'000};
    ::nanosleep(&a_moment, nullptr);
    return Error{Errc::busy, ETOOMANYREFS, "too many descriptors on their way"};
}

// Whole pages of a large packet go back to the kernel, which wipes them too.
void wipe_packet(char* buffer, std::size_t size) {
    if (size < large_packet) return ::explicit_bzero(buffer, size);
    const std::size_t first = page - reinterpret_cast<std::uintptr_t>(buffer) % page;
    const std::size_t whole = (size - first) / page * page;
    const bool wiped = ::madvise(buffer + first, whole, MADV_DONTNEED) == 0;
    ::explicit_bzero(buffer, wiped ? first : size);
    ::explicit_bzero(buffer + first + whole, size - first - whole);
}

} // namespace

Status Channel::send(std::uint16_t type, std::uint64_t session, std::string_view payload, std::span<const int> fds) {
    if (payload.size() > max_payload || fds.size() > max_descriptors)
        return Error{Errc::limit, 0, "message too large for a channel"};
    const std::string header = encode_header(type, fds.size(), payload.size(), session);
    iovec parts[2] = {{const_cast<char*>(header.data()), header.size()},
                      {const_cast<char*>(payload.data()), payload.size()}};
    alignas(cmsghdr) char control[control_size];
    msghdr msg{};
    msg.msg_iov = parts;
    msg.msg_iovlen = 2;
    if (!fds.empty()) attach(msg, control, fds);
    for (;;) {
        if (::sendmsg(fd_.get(), &msg, MSG_NOSIGNAL) >= 0) return {};
        if (errno == ETOOMANYREFS) return wait_for_receivers();
        if (errno != EINTR) return errno_error("channel send");
    }
}

Result<std::optional<Message>> Channel::receive(unsigned max_fds) {
    // One buffer per thread: it is written by the kernel and read here only, and a 64 KiB stack frame or allocation per
    // message would cost more than the message. From the heap, never initialised: only the pages that messages reach
    // exist, which would not be so if it were a thread_local array: the linker writes zeros over those.
    static thread_local const std::unique_ptr<char[]> owned(new char[max_packet]);
    char* const buffer = owned.get();
    iovec part{buffer, max_packet};
    alignas(cmsghdr) char control[control_size];
    msghdr msg{};
    msg.msg_iov = &part;
    msg.msg_iovlen = 1;
    if (max_fds > 0) {
        msg.msg_control = control;
        msg.msg_controllen = sizeof control;
    }
    // ECONNRESET: the peer ended with something unread. That is told once, and before what it had said itself.
    ssize_t n = -1;
    do {
        n = ::recvmsg(fd_.get(), &msg, MSG_CMSG_CLOEXEC);
    } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0) return errno_error("channel receive");
    std::vector<UniqueFd> fds;
    if (max_fds > 0) collect(msg, fds);
    if (n == 0) return std::optional<Message>();
    if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || static_cast<std::size_t>(n) < header_size)
        return Error{Errc::protocol, 0, "truncated packet"};
    auto message = decode(std::string_view(buffer, static_cast<std::size_t>(n)), std::move(fds), max_fds);
    // It may have been somebody's password, and an agent of somebody else is a fork of this process.
    wipe_packet(buffer, static_cast<std::size_t>(n));
    return message;
}

Result<Message> Channel::call(std::uint16_t type, std::uint64_t session, std::string_view payload,
                              std::span<const int> fds, unsigned max_fds, Millis timeout) {
    RETURN_IF_ERROR(send(type, session, payload, fds));
    pollfd waiting{fd_.get(), POLLIN, 0};
    int ready = -1;
    do {
        ready = ::poll(&waiting, 1, static_cast<int>(timeout.count()));
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) return errno_error("poll");
    if (ready == 0) return Error{Errc::timeout, 0, "no answer within the deadline"};
    auto answer = receive(max_fds);
    if (!answer) return answer.error();
    if (!answer->has_value()) return Error{Errc::closed, 0, "the other side closed the channel"};
    Message message = std::move(**answer);
    if (message.type != type + 1 || message.session != session)
        return Error{Errc::protocol, 0, "answer to another request"};
    return message;
}

std::string encode_ok(std::string_view body) {
    std::string out(1, '\0');
    out.append(body);
    return out;
}

std::string encode_failure(const Error& error) {
    std::string out(1, static_cast<char>(1 + static_cast<int>(error.code)));
    out.append(error.describe());
    return out;
}

bool is_answer(std::string_view payload) {
    return !payload.empty() && static_cast<unsigned char>(payload.front()) <= 1 + static_cast<unsigned>(Errc::protocol);
}

Result<std::string_view> decode_answer(std::string_view payload) {
    if (!is_answer(payload)) return Error{Errc::protocol, 0, "no verdict"};
    const auto verdict = static_cast<unsigned char>(payload.front());
    if (verdict == 0) return payload.substr(1);
    return Error{static_cast<Errc>(verdict - 1), 0, std::string(payload.substr(1))};
}

} // namespace posada::priv
