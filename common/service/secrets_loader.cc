// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/secrets_loader.h"

#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/priv/channel.h"
#include "common/priv/process.h"
#include "common/service/net_protocol.h"

namespace posada::service {

namespace {

constexpr std::size_t ticket_key_size = 80;
constexpr std::size_t max_pem = 1024 * 1024;
constexpr std::uint16_t loaded = 1;

Result<io::Certificate> load_certificate(const CertificateFiles& files, std::string_view service) {
    auto chain = read_file(files.chain, max_pem);
    if (!chain) return chain.error();
    auto key = read_file(files.key, max_pem);
    if (!key) return key.error();
    io::Certificate certificate{std::move(*chain), std::move(*key)};
    if (const Status fits = io::check_certificate(certificate); !fits)
        return Error{Errc::invalid, 0, files.chain + ": " + fits.error().describe()};
    const auto info = io::inspect_certificate(certificate.chain_pem);
    if (!info) return Error{Errc::invalid, 0, files.chain + ": " + info.error().describe()};
    log(event::cert_loaded, {{"service", std::string(service)},
                             {"file", files.chain},
                             {"sha256", info->sha256},
                             {"not-after", iso8601(info->not_after)}});
    return certificate;
}

Result<UniqueFd> build(std::span<const CertificateFiles> files, int ticket_key, std::string_view service) {
    NetSecrets secrets;
    std::array<char, ticket_key_size> key{};
    if (::pread(ticket_key, key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
        return errno_error("reading the ticket key");
    secrets.ticket_key.assign(key.data(), key.size());
    for (const CertificateFiles& pair : files) {
        auto certificate = load_certificate(pair, service);
        if (!certificate) return certificate.error();
        secrets.certificates.push_back(std::move(*certificate));
    }
    return make_sealed_memfd("posada-secrets", encode(secrets));
}

int answer(priv::Channel channel, const Result<UniqueFd>& built) {
    if (!built) return channel.send(loaded, 0, priv::encode_failure(built.error())) ? 0 : 1;
    const int fd = built->get();
    return channel.send(loaded, 0, priv::encode_ok(), {&fd, 1}) ? 0 : 1;
}

} // namespace

Result<UniqueFd> make_ticket_key() {
    std::array<char, ticket_key_size> key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) return errno_error("getrandom");
    auto fd = make_sealed_memfd("posada-ticket-key", {key.data(), key.size()});
    ::explicit_bzero(key.data(), key.size());
    return fd;
}

Result<UniqueFd> load_secrets(std::span<const CertificateFiles> files, int ticket_key, std::string_view service) {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    priv::Channel ours(std::move(pair->first));
    const auto child = priv::fork_process([&]() -> int {
        ours.close();
        return answer(priv::Channel(std::move(pair->second)), build(files, ticket_key, service));
    });
    if (!child) return child.error();
    pair->second.reset();
    auto received = ours.receive(1);
    ::waitpid(*child, nullptr, 0);
    if (!received) return received.error();
    if (!received->has_value()) return Error{Errc::io, 0, "the child that reads the certificates died"};
    const auto verdict = priv::decode_answer((*received)->payload);
    if (!verdict) return verdict.error();
    if ((*received)->fds.size() != 1) return Error{Errc::protocol, 0, "no certificates came"};
    return std::move((*received)->fds[0]);
}

} // namespace posada::service
