// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/signer_handle.h"

#include <signal.h>
#include <sys/random.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <vector>

#include "common/base/fork.h"

namespace posada::service {

namespace {
constexpr std::size_t ticket_key_size = 80;
}

Result<UniqueFd> make_ticket_key() {
    std::array<char, ticket_key_size> key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) return errno_error("getrandom");
    auto fd = make_sealed_memfd("posada-ticket-key", {key.data(), key.size()});
    ::explicit_bzero(key.data(), key.size());
    return fd;
}

Result<std::unique_ptr<SignerHandle>> SignerHandle::start(const SignerSpec& spec) {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    priv::Channel ours(std::move(pair->first));
    const auto child = fork_process([&]() -> int {
        ours.close();
        return run_signer(priv::Channel(std::move(pair->second)), spec);
    });
    if (!child) return child.error();
    pair->second.reset();
    std::unique_ptr<SignerHandle> handle(new SignerHandle(*child, std::move(ours)));
    RETURN_IF_ERROR(handle->receive_certificates());
    RETURN_IF_ERROR(set_nonblocking(handle->channel_.fd(), true));
    if (!spec.signs) handle->end();
    return handle;
}

Status SignerHandle::receive_certificates() {
    auto received = channel_.receive(1);
    if (!received) return received.error();
    if (!received->has_value()) return Error{Errc::io, 0, "the child that reads the certificates died"};
    const auto verdict = priv::decode_answer((*received)->payload);
    if (!verdict) return verdict.error();
    if ((*received)->fds.size() != 1) return Error{Errc::protocol, 0, "no certificates came"};
    certificates_ = std::move((*received)->fds[0]);
    return {};
}

SignerHandle::~SignerHandle() { end(); }

void SignerHandle::end() {
    watch_.reset();
    channel_.close();
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL); // without a channel it has nothing to do
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void SignerHandle::watch(io::Loop& loop, Events events) {
    if (pid_ <= 0) return;
    events_ = std::move(events);
    watch_ =
        std::make_unique<io::Watch>(loop, channel_.fd(), io::Interest::read, [this](io::Interest) { on_readable(); });
}

void SignerHandle::sign(std::uint64_t session, const priv::Message& request) {
    if (!channel_.valid()) return;
    std::vector<int> fds;
    for (const UniqueFd& fd : request.fds) fds.push_back(fd.get());
    if (!channel_.send(request.type, session, request.payload, fds)) return;
}

void SignerHandle::on_readable() {
    const auto received = channel_.receive(0);
    if (!received && received.error().code == Errc::busy) return;
    if (!received || !received->has_value()) return watch_.reset(); // reap() gives the verdict
    if ((*received)->type == static_cast<std::uint16_t>(SignerMessage::breach))
        events_.on_breach((*received)->session, (*received)->payload);
}

void SignerHandle::reap() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return;
    pid_ = -1;
    watch_.reset();
    if (events_.on_exit) events_.on_exit(status);
}

} // namespace posada::service
