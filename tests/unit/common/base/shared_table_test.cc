// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/shared_table.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/common/auth/scratch.h"

namespace posada {
namespace {

struct Numbers {
    std::uint32_t n[4];
};
using Table = SharedTable<Numbers>;

TEST(SharedTable, WhoOpensTheSameFileSeesTheSame) {
    const test::Scratch scratch;
    auto one = Table::open(scratch.file("t"), 1);
    auto two = Table::open(scratch.file("t"), 1);
    ASSERT_TRUE(one && two);
    EXPECT_EQ(two->lock()->n[3], 0U);
    one->lock()->n[3] = 7;
    EXPECT_EQ(two->lock()->n[3], 7U);
    struct stat st {};
    ASSERT_EQ(::stat(scratch.file("t").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600U);
}

TEST(SharedTable, WithoutAPathItIsOfThisProcessAlone) {
    auto one = Table::open("", 1);
    auto two = Table::open("", 1);
    one->lock()->n[0] = 1;
    EXPECT_EQ(two->lock()->n[0], 0U);
}

TEST(SharedTable, WhoIsKilledWithTheLockDoesNotStopTheOthers) {
    const test::Scratch scratch;
    auto table = Table::open(scratch.file("t"), 1);
    const pid_t child = ::fork();
    if (child == 0) {
        auto own = Table::open(scratch.file("t"), 1);
        const auto locked = own->lock();
        locked->n[0] = 1;
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::alarm(20); // a lock that is never given back would hang here
    EXPECT_EQ(table->lock()->n[0], 1U);
    EXPECT_EQ(table->lock()->n[0], 1U) << "nor a second time";
    ::alarm(0);
}

TEST(SharedTable, AnotherFormIsReplacedAndKeptByItsUsers) {
    const test::Scratch scratch;
    auto old = Table::open(scratch.file("t"), 1);
    old->lock()->n[0] = 1;
    auto newer = Table::open(scratch.file("t"), 2);
    ASSERT_TRUE(newer);
    EXPECT_EQ(newer->lock()->n[0], 0U);
    EXPECT_EQ(old->lock()->n[0], 1U);
    auto third = Table::open(scratch.file("t"), 2);
    newer->lock()->n[0] = 2;
    EXPECT_EQ(third->lock()->n[0], 2U);
}

TEST(SharedTable, WhatIsNoTableIsReplaced) {
    const test::Scratch scratch;
    auto table = Table::open(scratch.write("t", "hello"), 1);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->lock()->n[0], 0U);
}

TEST(SharedTable, ALinkIsNotFollowed) {
    const test::Scratch scratch;
    const std::string target = scratch.write("target", "");
    ASSERT_EQ(::symlink(target.c_str(), scratch.file("t").c_str()), 0);
    EXPECT_FALSE(Table::open(scratch.file("t"), 1));
    EXPECT_EQ(test::Scratch::read(target), "");
}

} // namespace
} // namespace posada
