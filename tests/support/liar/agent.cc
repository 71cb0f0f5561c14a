// SPDX-License-Identifier: BSD-2-Clause
// An agent of pop3d that somebody has taken over (tests/attack/lies.py): confined as every agent, it serves its mailbox
// until the request that the file "lie" of its Maildir names, and answers that one as the file says. It stands in for
// MailAgent::serve: the linker takes the first. The words of the file:
//     REQUEST type N | session N     the answer's header has this
//     REQUEST cut N | add N          the payload is so many octets shorter, longer
//     REQUEST fill N OCTET           the payload is "ok" and so many of this octet
//     REQUEST packet HEX             these octets are the whole packet
//     REQUEST fds KIND,KIND...       these descriptors come with it, none: "-"
//     REQUEST sizes N                each descriptor's size is this
//     REQUEST times N | before N     it is answered so often; this often before it
//     REQUEST die | exit | hold      dies, ends, never answers
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "common/base/bytes.h"
#include "common/base/text.h"
#include "pop3d/agent.h"

namespace posada::pop3d {

namespace {

constexpr std::size_t most_descriptors = 253;

struct Lie {
    std::string request;
    std::string kind;
    std::string what;
    std::string more;
    [[nodiscard]] std::size_t count() const { return parse_uint(what).value_or(0); }
};

struct Packet {
    std::uint16_t type = 0;
    std::uint64_t session = 0;
    std::string payload;
    std::vector<int> fds;
    std::string octets; // instead of all of this
};

Lie read_lie(const std::string& maildir) {
    std::ifstream file(maildir + "/lie");
    Lie lie;
    file >> lie.request >> lie.kind >> lie.what >> lie.more;
    return lie;
}

[[noreturn]] void cannot(const std::string& kind) {
    ::dprintf(STDERR_FILENO, "liar: no %s\n", kind.c_str());
    ::_exit(99);
}

int descriptor(const std::string& kind, const std::string& maildir, int channel) {
    int pair[2] = {-1, -1};
    const std::string own = maildir + "/lie";
    if (kind == "pipe") return ::pipe2(pair, O_CLOEXEC) == 0 ? pair[0] : -1; // its other end stays: a read would wait
    if (kind == "directory") return ::open(maildir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (kind == "path") return ::open(own.c_str(), O_PATH | O_CLOEXEC);
    if (kind == "write-only") return ::open(own.c_str(), O_WRONLY | O_CLOEXEC);
    if (kind == "file") return ::open(own.c_str(), O_RDONLY | O_CLOEXEC);
    if (kind == "epoll") return ::epoll_create1(EPOLL_CLOEXEC);
    if (kind == "channel") return ::dup(channel);
    return -1;
}

std::vector<int> descriptors(const std::string& kinds, const std::string& maildir, int channel) {
    std::vector<int> out;
    if (kinds == "-") return out;
    for (const std::string_view word : split(kinds, ',')) {
        const auto star = word.find('*');
        const std::size_t times = star == std::string_view::npos ? 1 : parse_uint(word.substr(star + 1)).value_or(1);
        const std::string kind(word.substr(0, star));
        const int fd = descriptor(kind, maildir, channel);
        if (fd < 0) cannot(kind);
        out.insert(out.end(), times, fd);
    }
    return out;
}

void send_packet(int channel, const Packet& packet) {
    Writer header;
    header.u16(packet.type);
    header.u16(static_cast<std::uint16_t>(packet.fds.size()));
    header.u32(static_cast<std::uint32_t>(packet.payload.size()));
    header.u64(packet.session);
    std::string octets = packet.octets.empty() ? header.take() + packet.payload : packet.octets;
    iovec all{octets.data(), octets.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)] = {};
    msghdr msg{};
    msg.msg_iov = &all;
    msg.msg_iovlen = 1;
    if (!packet.fds.empty()) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * packet.fds.size());
        cmsghdr* first = CMSG_FIRSTHDR(&msg);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(sizeof(int) * packet.fds.size());
        std::memcpy(CMSG_DATA(first), packet.fds.data(), sizeof(int) * packet.fds.size());
    }
    if (::sendmsg(channel, &msg, MSG_NOSIGNAL) < 0) ::_exit(0); // nobody listens any more
}

void twist(Packet& packet, const Lie& lie, const std::string& maildir, int channel) {
    if (lie.kind == "type") packet.type = static_cast<std::uint16_t>(lie.count());
    if (lie.kind == "session") packet.session = lie.count();
    if (lie.kind == "cut") packet.payload.resize(packet.payload.size() - std::min(packet.payload.size(), lie.count()));
    if (lie.kind == "add") packet.payload.append(lie.count(), 'A');
    if (lie.kind == "fill")
        packet.payload = priv::encode_ok(std::string(lie.count(), static_cast<char>(parse_uint(lie.more).value_or(0))));
    if (lie.kind == "packet") packet.octets = unhex(lie.what).value_or("?");
    if (lie.kind == "fds") packet.fds = descriptors(lie.what, maildir, channel);
    if (lie.kind != "sizes") return;
    Writer sizes;
    for (std::size_t i = 0; i < packet.fds.size(); ++i) sizes.u64(lie.count());
    packet.payload = priv::encode_ok(sizes.bytes());
}

void answer(int channel, Packet packet, const Lie& lie, const std::string& maildir) {
    if (lie.kind == "die") std::abort();
    if (lie.kind == "exit") ::_exit(0);
    if (lie.kind == "hold") return;
    const std::size_t before = lie.kind == "before" ? lie.count() : 0;
    for (std::size_t i = 0; i < before; ++i) send_packet(channel, packet);
    twist(packet, lie, maildir, channel);
    for (std::size_t i = lie.kind == "times" ? lie.count() : 1; i != 0; --i) send_packet(channel, packet);
}

std::string_view name_of(std::uint16_t type) {
    for (const priv::RequestInfo& row : AgentRequests::rows)
        if (row.type == type) return row.name;
    return "";
}

} // namespace

int MailAgent::serve(priv::Channel channel) {
    const Lie lie = read_lie(task_.maildir);
    priv::RequestGate gate(AgentRequests::rows);
    for (;;) {
        auto received = channel.receive(0);
        if (!received || !received->has_value()) return 0;
        priv::Message message = std::move(**received);
        const Result<priv::Answer> honest = priv::serve_one<AgentRequests>(gate, *this, message);
        if (!honest) return 70;
        Packet packet{static_cast<std::uint16_t>(message.type + 1), message.session, honest->payload, {}, {}};
        for (const UniqueFd& fd : honest->fds) packet.fds.push_back(fd.get());
        answer(channel.fd(), packet, name_of(message.type) == lie.request ? lie : Lie{}, task_.maildir);
    }
}

} // namespace posada::pop3d
