// SPDX-License-Identifier: BSD-2-Clause
// A peer that sends any packet at all: 1st byte = descriptors attached, 2nd = descriptors the receiver allows, the rest
// is the packet. Either it is taken exactly as it was sent, or it is refused, and no descriptor stays open. The payload
// is then read as an answer.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/priv/channel.h"

using namespace posada;
using namespace posada::priv;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void send_raw(int to, std::string_view packet, unsigned fds) {
    std::vector<int> list(fds, 0);
    std::vector<char> control(CMSG_SPACE(sizeof(int) * (fds + 1)));
    iovec part{const_cast<char*>(packet.data()), packet.size()};
    msghdr msg{};
    msg.msg_iov = &part;
    msg.msg_iovlen = 1;
    if (fds > 0) {
        msg.msg_control = control.data();
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
        cmsghdr* c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds);
        std::memcpy(CMSG_DATA(c), list.data(), sizeof(int) * fds);
    }
    require(sendmsg(to, &msg, MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size()));
}

// The lowest free descriptor: the same before and after means nothing leaked.
int lowest_free() {
    const int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);
    close(fd);
    return fd;
}

void check_message(const Message& m, std::string_view packet, unsigned fds, unsigned allowed) {
    require(m.fds.size() == fds && fds <= allowed);
    require(packet.substr(header_size) == m.payload);
    Reader header(packet.substr(0, header_size));
    require(header.u16() == m.type && header.u16() == fds && header.u32() == m.payload.size());
    require(header.u64() == m.session);
    const auto answer = decode_answer(m.payload);
    if (answer)
        require(m.payload == encode_ok(*answer));
    else
        require(!answer.error().text.empty() || m.payload.size() == 1);
}

void run(std::string_view packet, unsigned fds, unsigned allowed) {
    auto pair = make_seqpacket_pair();
    require(pair.ok());
    send_raw(pair->first.get(), packet, fds);
    Channel channel(std::move(pair->second));
    const auto got = channel.receive(allowed);
    if (!got) return require(got.error().code == Errc::protocol);
    require(got->has_value());
    check_message(**got, packet, fds, allowed);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3 || size > max_packet + 16) return 0;
    const int before = lowest_free();
    run({reinterpret_cast<const char*>(data) + 2, size - 2}, data[0] % 8, data[1] % 8);
    require(lowest_free() == before);
    return 0;
}
