// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/net_protocol.h"

#include <gtest/gtest.h>

namespace posada::service {
namespace {

TEST(NetProtocol, ListenersTravelWhole) {
    Listener listener{"pop3s",
                      {"127.0.0.1", "::1"},
                      995,
                      TlsMode::implicit,
                      true,
                      PlaintextAuth::any,
                      true,
                      "s",
                      {*io::Network::parse("10.0.0.0/8")},
                      Millis(700)};
    const auto back = decode_net_config(encode(NetConfig{{listener}, std::string("opt\0ions", 8)}));
    ASSERT_TRUE(back);
    ASSERT_EQ(back->listeners.size(), 1U);
    const Listener& l = back->listeners[0];
    EXPECT_EQ(l.name, "pop3s");
    EXPECT_EQ(l.addresses, listener.addresses);
    EXPECT_EQ(l.port, 995);
    EXPECT_EQ(l.tls, TlsMode::implicit);
    EXPECT_TRUE(l.auth);
    EXPECT_EQ(l.plaintext_auth, PlaintextAuth::any);
    EXPECT_TRUE(l.trusted);
    EXPECT_EQ(l.fd_name, "s");
    ASSERT_EQ(l.proxy_from.size(), 1U);
    EXPECT_EQ(l.proxy_from[0].text(), "10.0.0.0/8");
    EXPECT_EQ(l.proxy_timeout, Millis(700));
    EXPECT_EQ(back->options.size(), 8U);
}

TEST(NetProtocol, ConnectionsCarryBothAddresses) {
    ConnectionInfo info;
    info.id = 7;
    info.listener = 2;
    info.peer = *io::Address::parse("2001:db8::1", 1234);
    info.local = *io::Address::parse("192.0.2.1", 25);
    const auto back = decode_connection(encode(info));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->id, 7U);
    EXPECT_EQ(back->peer.text(), "[2001:db8::1]:1234");
    EXPECT_EQ(back->local.text(), "192.0.2.1:25");
}

TEST(NetProtocol, EveryTruncationIsRefused) {
    ConnectionInfo info;
    info.peer = *io::Address::parse("192.0.2.1", 25);
    info.local = info.peer;
    const std::string wire = encode(info);
    for (std::size_t n = 0; n < wire.size(); ++n) EXPECT_FALSE(decode_connection(wire.substr(0, n))) << n;
    const std::string secrets = encode(NetSecrets{{{"chain", "key"}}, "ticket"});
    for (std::size_t n = 0; n < secrets.size(); ++n) EXPECT_FALSE(decode_net_secrets(secrets.substr(0, n))) << n;
}

} // namespace
} // namespace posada::service
