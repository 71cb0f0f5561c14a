// SPDX-License-Identifier: BSD-2-Clause
// Each case runs in a child with the descriptors and the environment that a manager would give it.
#include "common/service/launch/endpoints.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "common/base/fork.h"
#include "common/io/addr.h"

namespace posada::service {
namespace {

constexpr const char* any_port = "127.0.0.1:0";

UniqueFd bound() { return std::move(*io::listen_tcp(*io::Address::parse("127.0.0.1", 0))); }

std::uint16_t port_of(const UniqueFd& fd) { return io::Address::of_local(fd.get())->port(); }

std::vector<Listener> two_listeners(std::uint16_t port_of_second = 2) {
    return {make_listener("first", 1, TlsMode::starttls), make_listener("second", port_of_second, TlsMode::starttls)};
}

struct Started {
    int standard_input = -1;      // -1: /dev/null
    std::vector<int> fds;         // from 3 on
    std::string names;            // LISTEN_FDNAMES
    bool for_another_pid = false; // LISTEN_PID
};

// What look says in such a process; the texts of an error stand for themselves.
std::string in_process(const Started& with, const std::function<std::string()>& look) {
    int out[2];
    EXPECT_EQ(::pipe(out), 0);
    const auto pid = fork_process([&] {
        ::dup2(out[1], 100);
        for (std::size_t i = 0; i < with.fds.size(); ++i) ::dup2(with.fds[i], static_cast<int>(50 + i));
        if (with.standard_input >= 0)
            ::dup2(with.standard_input, STDIN_FILENO);
        else
            ::dup2(UniqueFd(::open("/dev/null", O_RDONLY)).get(), STDIN_FILENO);
        for (std::size_t i = 0; i < with.fds.size(); ++i) ::dup2(static_cast<int>(50 + i), static_cast<int>(3 + i));
        const pid_t self = ::getpid();
        ::setenv("LISTEN_PID", std::to_string(with.for_another_pid ? self + 1 : self).c_str(), 1);
        ::setenv("LISTEN_FDS", std::to_string(with.fds.size()).c_str(), 1);
        ::setenv("LISTEN_FDNAMES", with.names.c_str(), 1);
        std::string said = look();
        for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
            if (::getenv(name) != nullptr) said.append(" and ").append(name).append(" stays");
        return write_all(100, said) ? 0 : 1;
    });
    EXPECT_TRUE(pid.ok());
    ::close(out[1]);
    std::string said;
    char chunk[512];
    for (ssize_t n = ::read(out[0], chunk, sizeof chunk); n > 0; n = ::read(out[0], chunk, sizeof chunk))
        said.append(chunk, static_cast<std::size_t>(n));
    ::close(out[0]);
    int status = -1;
    ::waitpid(*pid, &status, 0);
    EXPECT_EQ(status, 0);
    return said;
}

// "second listening closed-on-exec, ..." of each endpoint.
std::string taken(const LaunchOptions& options, const std::vector<Listener>& listeners) {
    const auto launched = take_endpoints(options, listeners);
    if (!launched)
        return std::string(launched.error().code == Errc::invalid ? "invalid: " : "") + launched.error().text;
    std::string out = launched->single ? "single: " : "";
    for (const Endpoint& endpoint : launched->endpoints) {
        out += listeners.at(endpoint.listener).name;
        out += endpoint.kind == EndpointKind::connected ? " connected" : " listening";
        if ((::fcntl(endpoint.fd.get(), F_GETFD) & FD_CLOEXEC) == 0) out += " inheritable";
        out += ";";
    }
    return out;
}

TEST(Launch, TheDefaultAddressIsEveryAddressOfBothFamilies) {
    std::vector<Listener> listeners{make_listener("any", 0, TlsMode::starttls)};
    const std::string said = in_process({}, [&] {
        std::string out;
        const auto launched = take_endpoints({}, listeners);
        if (!launched) return launched.error().text;
        for (const Endpoint& endpoint : launched->endpoints)
            out += io::Address::of_local(endpoint.fd.get())->ip() + " ";
        return out;
    });
    const bool no_ipv6 = !UniqueFd(::socket(AF_INET6, SOCK_STREAM, 0)).valid();
    EXPECT_EQ(said, no_ipv6 ? "0.0.0.0 " : "0.0.0.0 :: ");
}

TEST(Launch, NoListenerIsAnErrorOfTheConfiguration) {
    EXPECT_EQ(in_process({}, [] { return taken({}, {}); }), "invalid: no listener is configured");
}

TEST(Launch, ASocketIsItsNamesListener) {
    const UniqueFd one = bound();
    const UniqueFd two = bound();
    EXPECT_EQ(in_process({-1, {one.get(), two.get()}, "second:first"}, [] { return taken({}, two_listeners()); }),
              "second listening;first listening;");
}

TEST(Launch, ASocketWithoutANameOfOursIsItsPorts) {
    const UniqueFd at = bound();
    for (const char* name : {"", "unknown", "posada-x.socket"})
        EXPECT_EQ(in_process({-1, {at.get()}, name}, [&] { return taken({}, two_listeners(port_of(at))); }),
                  "second listening;")
            << name;
    EXPECT_EQ(in_process({-1, {at.get()}, "x.socket"},
                         [] {
                             return taken({{}, "second"}, two_listeners());
                         }),
              "second listening;")
        << "or what --listener says";
}

TEST(Launch, ANameThatNobodyConfiguredIsAnErrorThatTellsWhichThereAre) {
    const UniqueFd at = bound();
    EXPECT_EQ(in_process({-1, {at.get()}, "third"}, [] { return taken({}, two_listeners()); }),
              "invalid: unknown listener 'third'; configured are: first, second");
    EXPECT_EQ(in_process({},
                         [] {
                             return taken({{std::string("third=") + any_port}, ""}, two_listeners());
                         }),
              "invalid: unknown listener 'third'; configured are: first, second");
}

TEST(Launch, ADatagramSocketIsNotTakenForAListener) {
    const UniqueFd at(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(in_process({-1, {at.get()}, "first"}, [] { return taken({}, two_listeners()); }),
              "invalid: descriptor 3 is a socket of the wrong type");
}

TEST(Launch, OneConnectedSocketIsTheOnlyClient) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    const UniqueFd ours(pair[0]);
    const UniqueFd theirs(pair[1]);
    EXPECT_EQ(in_process({-1, {theirs.get()}, "connection"},
                         [] {
                             return taken({{}, "second"}, two_listeners());
                         }),
              "single: second connected;");
    EXPECT_EQ(in_process({theirs.get(), {}, ""},
                         [] {
                             return taken({{}, "second"}, two_listeners());
                         }),
              "single: second connected;")
        << "inetd";
}

TEST(Launch, WhatWasMeantForAnotherProcessIsLeftAlone) {
    const UniqueFd at = bound();
    std::vector<Listener> listeners{make_listener("configured", 0, TlsMode::starttls)};
    listeners[0].addresses = {"127.0.0.1"};
    EXPECT_EQ(in_process({-1, {at.get()}, "third", true}, [&] { return taken({}, listeners); }),
              "configured listening;");
}

TEST(Launch, TheCommandLineComesBeforeEverythingElse) {
    const UniqueFd at = bound();
    EXPECT_EQ(in_process({-1, {at.get()}, "first"},
                         [] {
                             return taken({{std::string("second=") + any_port, any_port}, ""}, two_listeners());
                         }),
              "second listening;first listening;");
    EXPECT_EQ(in_process({},
                         [] {
                             return taken({{"nowhere:1"}, ""}, two_listeners());
                         })
                  .substr(0, 25),
              "invalid: --listen nowhere");
}

} // namespace
} // namespace posada::service
