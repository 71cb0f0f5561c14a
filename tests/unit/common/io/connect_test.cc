// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/connect.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace posada::io {
namespace {

void wait_until_writable(int fd) {
    pollfd waiting{fd, POLLOUT, 0};
    ASSERT_EQ(::poll(&waiting, 1, 5'000), 1);
}

TEST(Connect, ReachesAListener) {
    const auto listener = listen_tcp(*Address::parse("127.0.0.1", 0));
    ASSERT_TRUE(listener.ok());
    const auto fd = begin_connect(*Address::of_local(listener->get()));
    ASSERT_TRUE(fd.ok()) << fd.error().describe();
    wait_until_writable(fd->get());
    EXPECT_TRUE(connect_result(fd->get()).ok());
}

TEST(Connect, ARefusalIsTheResult) {
    auto listener = listen_tcp(*Address::parse("127.0.0.1", 0));
    const auto at = Address::of_local(listener->get());
    listener->reset(); // nobody there any more
    const auto fd = begin_connect(*at);
    ASSERT_TRUE(fd.ok());
    wait_until_writable(fd->get());
    EXPECT_EQ(connect_result(fd->get()).error().sys, ECONNREFUSED);
}

} // namespace
} // namespace posada::io
