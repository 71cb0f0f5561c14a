// SPDX-License-Identifier: BSD-2-Clause
// A net program that talks without end: a script stands for it.
#include "common/service/launch/net_handle.h"

#include <event2/event.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/common/auth/scratch.h"

namespace posada::service {
namespace {

// A packet as printf(1) of a shell writes it.
std::string in_octal(NetMessage type, std::string_view payload) {
    Writer w;
    w.u16(static_cast<std::uint16_t>(type));
    w.u16(0);
    w.u32(static_cast<std::uint32_t>(payload.size()));
    w.u64(0);
    const std::string packet = w.take() + std::string(payload);
    std::string text;
    for (const char octet : packet) {
        char digits[8];
        std::snprintf(digits, sizeof digits, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(octet)));
        text += digits;
    }
    return text;
}

struct NetHandleTest : testing::Test {
    // Says `want queue` so often, and goes on as the script says.
    void start(int wants, const std::string& then) {
        Writer name;
        name.str("queue");
        program.path = scratch.write("net", "#!/bin/sh\nn=0\nwhile [ $n -lt " + std::to_string(wants) +
                                                " ]; do printf '" + in_octal(NetMessage::want, name.take()) +
                                                "' >&3; n=$((n + 1)); done\n" + then + "\n");
        ASSERT_EQ(::chmod(scratch.path().c_str(), 0755) + ::chmod(program.path.c_str(), 0755), 0);
        ASSERT_EQ(::pipe2(said, O_CLOEXEC), 0);
        const bool root = ::geteuid() == 0; // no net program runs as root
        program.identity = {root ? 70'000 : ::geteuid(), root ? 70'000 : ::getegid()};
        program.log_fd = said[1];
        NetHandle::Events events;
        events.on_want = [this](NetHandle&, const std::string&) { return ++heard, Status(); };
        events.on_breach = [](const std::string& what) { ADD_FAILURE() << what; };
        events.on_exit = [this](NetHandle&, int) { exited = true; };
        auto started = NetHandle::start(*loop, std::move(program), std::move(events));
        ASSERT_TRUE(started.ok()) << started.error().describe();
        handle = std::move(*started);
        ::close(said[1]);
    }
    // Its log descriptor, which is closed when it has said all.
    void wait_until_said() const {
        char octet = 0;
        EXPECT_EQ(::read(said[0], &octet, 1), 0);
        ::close(said[0]);
    }
    void turn() const { ::event_base_loop(loop->base(), EVLOOP_ONCE | EVLOOP_NONBLOCK); }

    std::unique_ptr<io::Loop> loop = std::move(*io::Loop::create());
    test::Scratch scratch;
    NetProgram program;
    std::unique_ptr<NetHandle> handle;
    int said[2] = {-1, -1};
    int heard = 0;
    bool exited = false;
};

TEST_F(NetHandleTest, WhatAProgramSaysTakesNoMoreThanItsPartOfATurn) {
    start(40, "exec 4>&-; exec sleep 60");
    wait_until_said();
    turn();
    EXPECT_EQ(heard, 16) << "signals and other work come next";
    turn();
    turn();
    EXPECT_EQ(heard, 40);
}

TEST_F(NetHandleTest, WhatAProgramSaidBeforeItsEndIsHeard) {
    start(40, "exit 0");
    wait_until_said();
    while (!exited) handle->reap();
    EXPECT_EQ(heard, 40);
}

} // namespace
} // namespace posada::service
