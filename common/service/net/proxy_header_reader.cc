// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/net/proxy_header_reader.h"

#include <sys/socket.h>

#include <cerrno>

#include "common/proto/proxy_header.h"

namespace posada::service {

namespace {

// An address that is none, or of the other family, is as malformed as any other mistake.
Result<std::optional<io::Address>> client_of(const proto::ProxyHeader& header) {
    if (header.kind == proto::ProxyHeaderKind::no_client) return std::optional<io::Address>();
    if (header.kind != proto::ProxyHeaderKind::client) return Error{Errc::protocol, 0, std::string(header.why)};
    auto address = io::Address::parse(header.address, header.port);
    if (!address) return Error{Errc::protocol, 0, "bad address"};
    return std::optional<io::Address>(*address);
}

} // namespace

ProxyHeaderReader::ProxyHeaderReader(io::Loop& loop, int socket, OnRead on_read)
    : socket_(socket), on_read_(std::move(on_read)),
      watch_(loop, socket, io::Interest::read, [this](io::Interest) { on_readable(); }) {}

// Looks first, and takes only what is surely of the header: all of it while it is not whole.
void ProxyHeaderReader::on_readable() {
    char look[proto::max_proxy_header];
    const ssize_t n = ::recv(socket_, look, sizeof look - bytes_.size(), MSG_PEEK);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) return finish(Error{Errc::closed, 0, "closed before its PROXY header"});
    const std::size_t before = bytes_.size();
    bytes_.append(look, static_cast<std::size_t>(n));
    const proto::ProxyHeader header = proto::read_proxy_header(bytes_);
    if (header.kind == proto::ProxyHeaderKind::malformed) return finish(client_of(header));
    const bool whole = header.kind != proto::ProxyHeaderKind::need_more;
    const std::size_t take = (whole ? header.size : bytes_.size()) - before;
    if (::recv(socket_, look, take, 0) != static_cast<ssize_t>(take))
        return finish(Error{Errc::io, 0, "its PROXY header cannot be read"});
    if (whole) finish(client_of(header));
}

void ProxyHeaderReader::finish(Result<std::optional<io::Address>> result) {
    watch_.set(io::Interest::none);
    const OnRead on_read = std::move(on_read_);
    on_read(std::move(result));
}

} // namespace posada::service
