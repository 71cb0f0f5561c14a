// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/net_protocol.h"

namespace posada::service {

namespace {

void put(Writer& w, const Listener& listener) {
    w.str(listener.name);
    w.u16(static_cast<std::uint16_t>(listener.addresses.size()));
    for (const std::string& address : listener.addresses) w.str(address);
    w.u16(listener.port);
    wire::put(w, listener.tls);
    w.boolean(listener.auth);
    wire::put(w, listener.plaintext_auth);
    w.boolean(listener.trusted);
    w.str(listener.fd_name);
    w.u16(static_cast<std::uint16_t>(listener.proxy_from.size()));
    for (const io::Network& network : listener.proxy_from) w.str(network.text());
    w.u32(static_cast<std::uint32_t>(listener.proxy_timeout.count()));
}

Listener get_listener(Reader& r) {
    Listener listener;
    listener.name = r.str();
    for (std::uint16_t n = r.u16(); n > 0 && !r.failed(); --n) listener.addresses.emplace_back(r.str());
    listener.port = r.u16();
    wire::get(r, listener.tls);
    listener.auth = r.boolean();
    wire::get(r, listener.plaintext_auth);
    listener.trusted = r.boolean();
    listener.fd_name = r.str();
    for (std::uint16_t n = r.u16(); n > 0 && !r.failed(); --n)
        if (auto network = io::Network::parse(r.str())) listener.proxy_from.push_back(*network);
    listener.proxy_timeout = Millis(r.u32());
    return listener;
}

void put(Writer& w, const io::Address& address) {
    w.str(std::string_view(reinterpret_cast<const char*>(address.sa()), address.size()));
}

// Our own launcher wrote it; from_sockaddr() checks family and size all the same.
io::Address get_address(Reader& r) {
    const std::string_view raw = r.str();
    alignas(sockaddr_storage) char storage[sizeof(sockaddr_storage)]{};
    if (raw.size() > sizeof storage || raw.size() < sizeof(sa_family_t)) return {};
    raw.copy(storage, raw.size());
    return io::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(storage), static_cast<socklen_t>(raw.size()));
}

} // namespace

std::string encode(const NetConfig& config) {
    Writer w;
    w.u16(static_cast<std::uint16_t>(config.listeners.size()));
    for (const Listener& listener : config.listeners) put(w, listener);
    w.blob(config.options);
    return w.take();
}

Result<NetConfig> decode_net_config(std::string_view bytes) {
    Reader r(bytes);
    NetConfig config;
    for (std::uint16_t n = r.u16(); n > 0 && !r.failed(); --n) config.listeners.push_back(get_listener(r));
    config.options = r.blob();
    RETURN_IF_ERROR(r.finish());
    return config;
}

std::string encode(const NetSecrets& secrets) {
    Writer w;
    w.u16(static_cast<std::uint16_t>(secrets.certificates.size()));
    for (const io::Certificate& certificate : secrets.certificates) {
        w.blob(certificate.chain_pem);
        w.blob(certificate.key_pem);
    }
    w.str(secrets.ticket_key);
    return w.take();
}

Result<NetSecrets> decode_net_secrets(std::string_view bytes) {
    Reader r(bytes);
    NetSecrets secrets;
    for (std::uint16_t n = r.u16(); n > 0 && !r.failed(); --n) {
        io::Certificate certificate;
        certificate.chain_pem = r.blob();
        certificate.key_pem = r.blob();
        secrets.certificates.push_back(std::move(certificate));
    }
    secrets.ticket_key = r.str();
    RETURN_IF_ERROR(r.finish());
    return secrets;
}

std::string encode(const ConnectionInfo& info) {
    Writer w;
    w.u64(info.id);
    w.u32(info.listener);
    put(w, info.peer);
    put(w, info.local);
    w.str(info.challenge);
    return w.take();
}

Result<ConnectionInfo> decode_connection(std::string_view payload) {
    Reader r(payload);
    ConnectionInfo info;
    info.id = r.u64();
    info.listener = r.u32();
    info.peer = get_address(r);
    info.local = get_address(r);
    info.challenge = r.str();
    RETURN_IF_ERROR(r.finish());
    return info;
}

} // namespace posada::service
