// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/data.h"

#include "common/proto/ftp/address.h"

namespace posada::ftp {

namespace {

// One of the two: a connection made, or a socket that waits for one.
struct Prepared {
    Wire passive;
    UniqueFd listener;
};

Result<std::uint16_t> ask_port(Server& server, const Settings& settings) {
    if (server.epsv && (settings.epsv || server.peer.is_ipv6())) {
        auto reply = server.control.command("EPSV");
        if (!reply) return reply.error();
        const auto port = proto::ftp::find_extended_passive(reply->text());
        if (reply->code == 229 && port) return *port;
        server.epsv = false;
    }
    if (server.peer.is_ipv6()) return Error{Errc::denied, 0, "no EPSV"};
    auto reply = server.control.command("PASV");
    if (!reply) return reply.error();
    const auto target = proto::ftp::find_passive(reply->text());
    if (reply->code == 227 && target) return target->port;
    return refusal(*reply);
}

Result<Prepared> prepare_passive(Server& server, const Settings& settings) {
    const auto port = ask_port(server, settings);
    if (!port) return port.error();
    const auto at = io::Address::parse(server.peer.ip(), *port);
    if (!at) return at.error();
    auto wire = Wire::connect(*at, settings.patience);
    if (!wire) return wire.error();
    return Prepared{std::move(*wire), {}};
}

Result<Prepared> prepare_active(Server& server) {
    const auto own = io::Address::of_local(server.control.wire().fd());
    if (!own) return own.error();
    const auto any_port = io::Address::parse(own->ip(), 0);
    if (!any_port) return any_port.error();
    auto listener = io::listen_tcp(*any_port, 1);
    if (!listener) return listener.error();
    const auto at = io::Address::of_local(listener->get());
    if (!at) return at.error();
    const std::string command = own->is_ipv6()
                                    ? "EPRT " + proto::ftp::print_eprt(proto::ftp::Family::ipv6, at->ip(), at->port())
                                    : "PORT " + proto::ftp::print_port(at->ip(), at->port());
    auto reply = server.control.command(command);
    if (!reply) return reply.error();
    if (!reply->ok()) return refusal(*reply);
    return Prepared{{}, std::move(*listener)};
}

// The control connection itself has failed: nothing else is worth a try.
bool is_final(const Error& error) {
    return error.sys == EINTR || (error.sys == 0 && (error.code == Errc::closed || error.code == Errc::protocol));
}

Result<Prepared> prepare(Server& server, const Settings& settings) {
    if (settings.data != DataMode::active && !server.active) {
        auto passive = prepare_passive(server, settings);
        if (passive || settings.data == DataMode::passive || is_final(passive.error())) return passive;
        auto active = prepare_active(server);
        server.active = active.ok();
        return active;
    }
    return prepare_active(server);
}

Result<Reply> start(Server& server, const std::string& command, std::uint64_t restart) {
    if (restart != 0) {
        auto reply = server.control.command("REST " + std::to_string(restart));
        if (!reply) return reply.error();
        if (reply->kind() != 3) return refusal(*reply);
    }
    auto reply = server.control.command(command);
    if (!reply) return reply.error();
    if (reply->kind() != 1) return refusal(*reply);
    return reply;
}

} // namespace

Error data_error(Error error) {
    if (error.code == Errc::closed || error.code == Errc::denied || error.code == Errc::protocol) error.code = Errc::io;
    return error;
}

Result<Wire> open_data(Server& server, const Settings& settings, const std::string& command, std::uint64_t restart,
                       Reply& opening) {
    auto prepared = prepare(server, settings);
    if (!prepared) return prepared.error();
    auto begun = start(server, command, restart);
    if (!begun) return begun.error();
    opening = std::move(*begun);
    Wire wire = std::move(prepared->passive);
    if (prepared->listener.valid()) {
        auto accepted = Wire::accept(prepared->listener.get(), server.peer, settings.patience);
        if (!accepted) return data_error(accepted.error());
        wire = std::move(*accepted);
    }
    if (!server.private_data) return wire;
    // The session of the control connection, newest ticket first: servers want it to know whose connection this is.
    const SslSession session = server.control.wire().session();
    const Status encrypted = wire.start_tls(server.tls, server.host, session.get(), settings.patience);
    if (!encrypted) return data_error(encrypted.error());
    return wire;
}

} // namespace posada::ftp
