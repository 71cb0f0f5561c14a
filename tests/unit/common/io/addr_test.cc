// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/addr.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posada::io {
namespace {

Address address(std::string_view ip, std::uint16_t port = 25) {
    auto a = Address::parse(ip, port);
    EXPECT_TRUE(a.ok()) << ip;
    return a ? *a : Address();
}

Network network(std::string_view cidr) {
    auto n = Network::parse(cidr);
    EXPECT_TRUE(n.ok()) << cidr;
    return n ? *n : Network();
}

TEST(BindAddresses, AStarIsEveryAddressOfBothFamilies) {
    const auto texts = [](std::string_view address) {
        std::string out;
        const auto all = bind_addresses(address, 110);
        for (const Address& at : *all) out += at.text() + " ";
        return out;
    };
    EXPECT_TRUE(texts("*") == "0.0.0.0:110 [::]:110 " || texts("*") == "0.0.0.0:110 ") << texts("*");
    EXPECT_EQ(texts("192.0.2.7"), "192.0.2.7:110 ");
    EXPECT_EQ(texts("::"), "[::]:110 ");
    EXPECT_FALSE(bind_addresses("**", 110).ok());
}

TEST(Address, parses_and_prints_both_families) {
    EXPECT_EQ(address("192.0.2.7").text(), "192.0.2.7:25");
    EXPECT_EQ(address("::1").text(), "[::1]:25");
    EXPECT_EQ(address("[2001:DB8::1]").ip(), "2001:db8::1");
    EXPECT_EQ(address("2001:db8::1", 587).port(), 587);
}

TEST(Address, refuses_what_is_no_address) {
    for (const char* bad : {"", "[", "[]", "localhost", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4x", "::g",
                            "1.2.3.4 ", "fe80::1%lo", "0x7f.1", "[1.2.3.4", "1:2:3:4:5:6:7:8:9"})
        EXPECT_FALSE(Address::parse(bad, 25).ok()) << bad;
    EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0", 8), 25).ok());
    EXPECT_FALSE(Address::parse(std::string(4096, '1'), 25).ok());
}

TEST(Address, mapped_ipv6_becomes_ipv4) {
    const Address a = address("::ffff:10.1.2.3", 993);
    EXPECT_FALSE(a.is_ipv6());
    EXPECT_EQ(a.text(), "10.1.2.3:993");
    EXPECT_TRUE(a.is_private());
    EXPECT_EQ(a.size(), sizeof(sockaddr_in));
}

TEST(Address, parses_address_and_port) {
    EXPECT_EQ(Address::parse_with_port("127.0.0.1:8025")->text(), "127.0.0.1:8025");
    EXPECT_EQ(Address::parse_with_port("[::1]:8025")->text(), "[::1]:8025");
    EXPECT_EQ(Address::parse_with_port("*:0")->text(), "0.0.0.0:0");
    for (const char* bad : {"", ":25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:25", "[::1]",
                            "[::1:25", "host:25", "127.0.0.1:+25", "127.0.0.1: 25"})
        EXPECT_FALSE(Address::parse_with_port(bad).ok()) << bad;
}

TEST(Address, error_names_the_text_escaped_and_a_remedy) {
    const auto bad = Address::parse("a\nb", 1);
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().code, Errc::invalid);
    EXPECT_EQ(bad.error().text.find('\n'), std::string::npos);
    EXPECT_NE(bad.error().text.find("192.0.2.7"), std::string::npos);
}

TEST(Address, smtp_literals) {
    EXPECT_EQ(address("192.0.2.7").smtp_literal(), "[192.0.2.7]");
    EXPECT_EQ(address("::1").smtp_literal(), "[IPv6:::1]");
}

TEST(Address, loopback_and_private_ranges) {
    for (const char* ip : {"127.0.0.1", "127.255.255.254", "::1"}) EXPECT_TRUE(address(ip).is_loopback()) << ip;
    for (const char* ip : {"128.0.0.1", "126.255.255.255", "::2", "::", "fe80::1"})
        EXPECT_FALSE(address(ip).is_loopback()) << ip;
    for (const char* ip : {"127.0.0.1", "10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1",
                           "169.254.1.1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "::1"})
        EXPECT_TRUE(address(ip).is_private()) << ip;
    for (const char* ip : {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
                           "192.169.0.0", "169.253.255.255", "8.8.8.8", "fbff::1", "fe00::1", "fec0::1", "2001:db8::1"})
        EXPECT_FALSE(address(ip).is_private()) << ip;
}

TEST(Address, source_key_is_the_ipv4_address_or_the_ipv6_64) {
    EXPECT_EQ(address("192.0.2.7", 1).source_key(), "192.0.2.7");
    EXPECT_EQ(address("::ffff:192.0.2.7").source_key(), "192.0.2.7");
    EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").source_key(), "2001:db8:1:2::/64");
    EXPECT_EQ(address("2001:db8:1:2:ffff::1").source_key(), address("2001:db8:1:2::9").source_key());
    EXPECT_NE(address("2001:db8:1:3::1").source_key(), address("2001:db8:1:2::1").source_key());
}

TEST(Address, a_unix_socket_is_local) {
    auto pair = make_seqpacket_pair();
    ASSERT_TRUE(pair.ok());
    const auto peer = Address::of_peer(pair->first.get());
    ASSERT_TRUE(peer.ok());
    EXPECT_EQ(peer->ip(), "local");
    EXPECT_EQ(peer->text(), "local");
    EXPECT_EQ(peer->source_key(), "local");
    EXPECT_EQ(peer->port(), 0);
    EXPECT_TRUE(peer->is_loopback());
    EXPECT_TRUE(peer->is_private());
}

TEST(Address, default_and_foreign_families_are_invalid_and_in_no_range) {
    EXPECT_FALSE(Address().valid());
    EXPECT_EQ(Address().ip(), "");
    EXPECT_FALSE(Address().is_loopback());
    EXPECT_FALSE(Address().is_private());
    sockaddr sa{};
    sa.sa_family = AF_NETLINK;
    EXPECT_FALSE(Address::from_sockaddr(&sa, sizeof sa).valid());
    sa.sa_family = AF_INET;
    EXPECT_FALSE(Address::from_sockaddr(&sa, 4).valid()) << "truncated";
}

TEST(Network, contains_by_prefix) {
    const Network n = network("10.20.0.0/14");
    EXPECT_TRUE(n.contains(address("10.23.255.255")));
    EXPECT_FALSE(n.contains(address("10.24.0.0")));
    EXPECT_FALSE(n.contains(address("10.19.255.255")));
    EXPECT_TRUE(network("2001:db8::/33").contains(address("2001:db8:7fff::1")));
    EXPECT_FALSE(network("2001:db8::/33").contains(address("2001:db8:8000::1")));
    EXPECT_TRUE(network("192.0.2.7").contains(address("192.0.2.7")));
    EXPECT_FALSE(network("192.0.2.7").contains(address("192.0.2.6")));
}

TEST(Network, zero_prefix_holds_its_own_family_only) {
    EXPECT_TRUE(network("0.0.0.0/0").contains(address("203.0.113.9")));
    EXPECT_FALSE(network("0.0.0.0/0").contains(address("::1")));
    EXPECT_TRUE(network("::/0").contains(address("2001:db8::1")));
    EXPECT_FALSE(network("::/0").contains(address("203.0.113.9")));
}

TEST(Network, mapped_peers_match_ipv4_networks) {
    EXPECT_TRUE(network("10.0.0.0/8").contains(address("::ffff:10.9.8.7")));
    EXPECT_EQ(network("::ffff:10.0.0.0/104").text(), "10.0.0.0/8");
}

TEST(Network, refuses_bad_text_with_a_remedy) {
    for (const char* bad :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10/8", "10.0.0.0/-1", "x/8"})
        EXPECT_FALSE(Network::parse(bad).ok()) << bad;
    const auto host_bits = Network::parse("10.0.0.5/8");
    ASSERT_FALSE(host_bits.ok());
    EXPECT_NE(host_bits.error().text.find("write 10.0.0.0/8"), std::string::npos) << host_bits.error().text;
}

TEST(Network, unix_sockets_and_empty_networks_match_nothing) {
    auto pair = make_seqpacket_pair();
    ASSERT_TRUE(pair.ok());
    EXPECT_FALSE(network("0.0.0.0/0").contains(*Address::of_peer(pair->first.get())));
    EXPECT_FALSE(Network().contains(Address()));
    EXPECT_FALSE(contains({}, address("10.0.0.1")));
    EXPECT_TRUE(contains({network("::1"), network("10.0.0.0/8")}, address("10.0.0.1")));
}

TEST(Listen, tcp_socket_accepts_is_close_on_exec_and_non_blocking) {
    auto fd = listen_tcp(address("127.0.0.1", 0));
    ASSERT_TRUE(fd.ok());
    EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
    const auto local = Address::of_local(fd->get());
    ASSERT_TRUE(local.ok());
    EXPECT_EQ(local->ip(), "127.0.0.1");
    EXPECT_NE(local->port(), 0);
    const auto taken = listen_tcp(*local);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().sys, EADDRINUSE);
    const std::string port = std::to_string(local->port());
    EXPECT_EQ(taken.error().describe(), "cannot listen on 127.0.0.1:" + port +
                                            " (another program has this port; to see which: ss -ltnp 'sport = :" +
                                            port + "'): Address already in use");
}

TEST(Listen, an_address_of_another_machine_is_refused_with_the_remedy) {
    EXPECT_EQ(listen_tcp(address("203.0.113.77", 4321)).error().describe(),
              "cannot listen on 203.0.113.77:4321 (this machine does not have this address; to see which it has: ip "
              "address): Cannot assign requested address");
}

// The port that the kernel chose for IPv6 may be somebody else's in IPv4: another is tried.
TEST(Listen, ipv6_socket_leaves_the_ipv4_port_free) {
    bool both = false;
    for (int i = 0; i < 20 && !both; ++i) {
        auto six = listen_tcp(address("::", 0));
        if (!six) GTEST_SKIP() << "no IPv6 here: " << six.error().describe();
        both = listen_tcp(address("0.0.0.0", Address::of_local(six->get())->port())).ok();
    }
    EXPECT_TRUE(both) << "V6ONLY";
}

class UnixListener : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/posada-addr-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        dir_ = name;
        path_ = dir_ + "/s";
    }
    void TearDown() override {
        unlink(path_.c_str());
        rmdir(dir_.c_str());
    }
    std::string dir_;
    std::string path_;
};

TEST_F(UnixListener, has_the_mode_and_can_be_connected) {
    auto fd = listen_unix_seqpacket(path_, 0620);
    ASSERT_TRUE(fd.ok()) << fd.error().describe();
    struct stat st {};
    ASSERT_EQ(stat(path_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0620U);
    EXPECT_TRUE(connect_unix_seqpacket(path_).ok());
}

TEST_F(UnixListener, replaces_a_dead_socket_but_not_a_living_one) {
    {
        auto first = listen_unix_seqpacket(path_, 0600);
        ASSERT_TRUE(first.ok());
        const auto second = listen_unix_seqpacket(path_, 0600);
        ASSERT_FALSE(second.ok());
        EXPECT_EQ(second.error().code, Errc::busy);
    }
    EXPECT_TRUE(listen_unix_seqpacket(path_, 0600).ok());
}

TEST_F(UnixListener, never_removes_a_file) {
    ASSERT_TRUE(UniqueFd(open(path_.c_str(), O_CREAT | O_WRONLY, 0600)).valid());
    EXPECT_FALSE(listen_unix_seqpacket(path_, 0600).ok());
    EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixListener, long_paths_are_refused_before_they_are_cut_off) {
    EXPECT_EQ(listen_unix_seqpacket("/tmp/" + std::string(200, 'x'), 0600).error().code, Errc::invalid);
    EXPECT_EQ(connect_unix_seqpacket("").error().code, Errc::invalid);
}

} // namespace
} // namespace posada::io
