// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <thread>

#include "common/base/bytes.h"
#include "common/priv/request.h"

namespace posada::priv {
namespace {

struct Pair {
    Channel a, b;
    Pair() {
        auto pair = make_seqpacket_pair();
        a = Channel(std::move(pair->first));
        b = Channel(std::move(pair->second));
    }
};

int open_descriptors() {
    int n = 0;
    for (int fd = 0; fd < 256; ++fd) n += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return n;
}

TEST(Channel, CarriesTypeSessionPayloadAndDescriptors) {
    Pair p;
    const auto file = make_sealed_memfd("x", "content");
    const int fds[] = {file->get()};
    ASSERT_TRUE(p.a.send(8, 77, "payload", fds));
    auto received = p.b.receive(1);
    ASSERT_TRUE(received);
    const Message& m = **received;
    EXPECT_EQ(m.type, 8);
    EXPECT_EQ(m.session, 77U);
    EXPECT_EQ(m.payload, "payload");
    ASSERT_EQ(m.fds.size(), 1U);
    EXPECT_TRUE(::fcntl(m.fds[0].get(), F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(*read_all(m.fds[0].get(), 100), "content");
}

TEST(Channel, UnwantedDescriptorsAreNeitherAcceptedNorLeaked) {
    Pair p;
    const int before = open_descriptors();
    const int fds[] = {0, 1};
    ASSERT_TRUE(p.a.send(2, 0, "", fds));
    EXPECT_EQ(p.b.receive(1).error().code, Errc::protocol);
    ASSERT_TRUE(p.a.send(2, 0, "", fds));
    EXPECT_EQ(p.b.receive(0).error().code, Errc::protocol);
    EXPECT_EQ(open_descriptors(), before);
}

// What the kernel counts is the user's, so this runs as one of its own.
int sends_until_too_many_are_on_their_way() {
    constexpr rlimit few{16, 16};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0 || (::geteuid() == 0 && ::setuid(61'999) != 0)) return 1;
    Pair p;
    const std::array<int, 8> fds{0, 0, 0, 0, 0, 0, 0, 0};
    int sent = 0;
    Status last;
    while (sent < 100 && (last = p.a.send(2, 0, "", fds))) ++sent;
    if (last || last.error().code != Errc::busy) return 2;
    for (int i = 0; i < sent; ++i)
        if (!p.b.receive(8)) return 3;
    return p.a.send(2, 0, "", fds) ? 0 : 4;
}

TEST(Channel, TooManyDescriptorsOnTheirWayIsBusyAndPasses) {
    EXPECT_EXIT(::_exit(sends_until_too_many_are_on_their_way()), ::testing::ExitedWithCode(0), "");
}

TEST(Channel, ALyingHeaderIsRefused) {
    Pair p;
    for (const std::string& raw :
         {std::string("short"), std::string(header_size, '\xff'), std::string(header_size, '\0') + "tail"}) {
        ASSERT_EQ(::send(p.a.fd(), raw.data(), raw.size(), 0), static_cast<ssize_t>(raw.size()));
        EXPECT_EQ(p.b.receive(0).error().code, Errc::protocol) << raw.size();
    }
}

TEST(Channel, TooLargeIsRefusedBySenderAndReceiver) {
    Pair p;
    EXPECT_EQ(p.a.send(2, 0, std::string(max_payload + 1, 'x')).error().code, Errc::limit);
    ASSERT_TRUE(p.a.send(2, 0, std::string(max_payload, 'x')));
    EXPECT_EQ((**p.b.receive(0)).payload.size(), max_payload);
    const std::string huge(max_packet + 1, 'x');
    ASSERT_GT(::send(p.a.fd(), huge.data(), huge.size(), 0), 0);
    EXPECT_EQ(p.b.receive(0).error().code, Errc::protocol);
}

// How often a letter stands in the memory where this thread has its variables, the channel's buffer among them.
std::size_t letters_beside_errno(char letter) {
    const auto here = reinterpret_cast<std::uintptr_t>(&errno);
    std::ifstream maps("/proc/self/maps");
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    for (std::string line; (here < begin || here >= end) && std::getline(maps, line);)
        std::sscanf(line.c_str(), "%lx-%lx", &begin, &end);
    return static_cast<std::size_t>(
        std::count(reinterpret_cast<const char*>(begin), reinterpret_cast<const char*>(end), letter));
}

TEST(Channel, NothingOfAMessageStaysWhereItWasReceived) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizer guards that memory";
#endif
    Pair p;
    const std::size_t before = letters_beside_errno('Q');
    for (const std::size_t size : {1U, 4096U, 8175U, 8176U, 8177U, 12'288U, 40'000U, 65'520U}) {
        ASSERT_TRUE(p.a.send(2, 0, std::string(size, 'Q')));
        EXPECT_EQ((**p.b.receive(0)).payload, std::string(size, 'Q'));
        EXPECT_LT(letters_beside_errno('Q'), before + 100) << size;
    }
}

TEST(Channel, EndOfFileIsNotAnError) {
    Pair p;
    p.a.close();
    auto received = p.b.receive(0);
    ASSERT_TRUE(received);
    EXPECT_FALSE(received->has_value());
    EXPECT_EQ(p.b.send(2, 0, "x").error().code, Errc::closed);
}

TEST(Channel, WhatWasSaidBeforeTheEndIsHeardAlthoughThePeerLeftSomethingUnread) {
    Pair p;
    ASSERT_TRUE(p.a.send(1, 0, "never read"));
    ASSERT_TRUE(p.b.send(2, 0, "said last"));
    p.b.close();
    const auto heard = p.a.receive(0);
    ASSERT_TRUE(heard.ok() && heard->has_value());
    EXPECT_EQ((*heard)->payload, "said last");
    EXPECT_FALSE((*p.a.receive(0)).has_value());
}

TEST(Channel, CallMatchesTheAnswerAndHonoursTheDeadline) {
    Pair p;
    std::thread server([&] {
        auto request = p.b.receive(0);
        EXPECT_TRUE(p.b.send(static_cast<std::uint16_t>((**request).type + 1), (**request).session, encode_ok("done")));
    });
    const auto answer = p.a.call(4, 9, "please");
    server.join();
    ASSERT_TRUE(answer);
    EXPECT_EQ(*decode_answer(answer->payload), "done");
    EXPECT_EQ(p.a.call(4, 9, "again", {}, 0, Millis(20)).error().code, Errc::timeout);
}

TEST(Channel, AnswersCarryAVerdict) {
    EXPECT_EQ(*decode_answer(encode_ok("body")), "body");
    const auto refused = decode_answer(encode_failure(Error{Errc::denied, 0, "no"}));
    EXPECT_EQ(refused.error().code, Errc::denied);
    EXPECT_EQ(refused.error().text, "no");
    EXPECT_EQ(decode_answer("").error().code, Errc::protocol);
    EXPECT_EQ(decode_answer("\x7f").error().code, Errc::protocol);
}

constexpr RequestInfo table[] = {
    {.type = 2, .name = "login", .phases = first_phase, .max_bytes = 10, .fds_out = 1, .then = second_phase},
    {.type = 4, .name = "open", .phases = second_phase, .once = true, .max_bytes = 10, .fds_in = 1},
};

Message message(std::uint16_t type, std::string payload = {}, int fds = 0) {
    Message m;
    m.type = type;
    m.payload = std::move(payload);
    for (int i = 0; i < fds; ++i) m.fds.emplace_back(::dup(0));
    return m;
}

TEST(RequestGate, EachRuleOfARowIsEnforced) {
    RequestGate gate(table);
    EXPECT_EQ(gate.admit(message(99)).error().text, "99: unknown request");
    EXPECT_EQ(gate.admit(message(3)).error().text, "3: unknown request");
    EXPECT_EQ(gate.admit(message(4, "", 1)).error().text, "open: not allowed in this phase");
    EXPECT_EQ(gate.admit(message(2, std::string(11, 'x'))).error().text, "login: too large");
    EXPECT_EQ(gate.admit(message(2, "", 1)).error().text, "login: wrong number of descriptors");
    EXPECT_TRUE(gate.admit(message(2)).ok());
    EXPECT_TRUE(gate.admit(message(2)).ok());
    gate.answered(2, encode_failure({Errc::denied, 0, ""}));
    EXPECT_EQ(gate.phase(), first_phase) << "refused";
    gate.answered(2, encode_ok());
    EXPECT_EQ(gate.admit(message(2)).error().text, "login: not allowed in this phase");
    EXPECT_TRUE(gate.admit(message(4, "", 1)).ok());
    EXPECT_EQ(gate.admit(message(4, "", 1)).error().text, "open: allowed once");
}

TEST(RequestGate, TheHashTellsTablesApart) {
    RequestInfo other[] = {table[0], table[1]};
    EXPECT_EQ(table_hash(table), table_hash(other));
    other[1].max_bytes = 11;
    EXPECT_NE(table_hash(table), table_hash(other));
    other[1].max_bytes = 10;
    other[0].form = 1;
    EXPECT_NE(table_hash(table), table_hash(other)) << "the same request with other fields";
    EXPECT_EQ(max_request_fds(table), 1U);
}

} // namespace
} // namespace posada::priv
