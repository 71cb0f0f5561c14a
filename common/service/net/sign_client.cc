// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/net/sign_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "common/priv/channel.h"
#include "common/service/sign_protocol.h"

namespace posada::service {

namespace {

constexpr std::size_t max_answer = 4096; // RSA with 16,384 bits and the verdict

// Too many descriptors on their way: the channel has waited a moment already.
Status post(RequestClient& monitor, std::uint64_t session, std::string_view payload, int reply, Millis timeout) {
    Status sent;
    for (int left = static_cast<int>(timeout.count()); left > 0; --left) {
        sent = monitor.post(Sign::row.type, session, payload, {&reply, 1});
        if (sent || sent.error().code != Errc::busy) break;
    }
    return sent;
}

Result<std::string> await(int fd, Millis timeout) {
    pollfd waiting{fd, POLLIN, 0};
    int ready = -1;
    do ready = ::poll(&waiting, 1, static_cast<int>(timeout.count()));
    while (ready < 0 && errno == EINTR);
    if (ready < 0) return errno_error("poll");
    if (ready == 0) return Error{Errc::timeout, 0, "the signer does not answer"};
    std::array<char, max_answer> buffer;
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) return Error{Errc::closed, 0, "the signer is gone"};
    const auto signature = priv::decode_answer({buffer.data(), static_cast<std::size_t>(n)});
    if (!signature) return signature.error();
    return std::string(*signature);
}

Result<std::string> ask(RequestClient& monitor, std::uint64_t session, const io::SignRequest& request, Millis timeout) {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    RETURN_IF_ERROR(post(monitor, session, to_bytes(Sign::of(request)), pair->second.get(), timeout));
    pair->second.reset(); // so that the end of the signer is an end of file
    return await(pair->first.get(), timeout);
}

} // namespace

io::SignFunction sign_through(RequestClient& monitor, std::uint64_t session, Millis timeout) {
    return [&monitor, session, timeout](const io::SignRequest& request) {
        return ask(monitor, session, request, timeout);
    };
}

} // namespace posada::service
