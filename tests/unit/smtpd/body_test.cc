// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/body.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/queue_protocol.h"

namespace posada::smtpd {
namespace {

std::string content_of(const std::vector<UniqueFd>& parts) {
    std::string out;
    for (const auto& part : parts) {
        struct stat st {};
        EXPECT_EQ(::fstat(part.get(), &st), 0);
        EXPECT_LE(st.st_size, static_cast<off_t>(max_memfd));
        std::string text(static_cast<std::size_t>(st.st_size), '\0');
        EXPECT_EQ(::pread(part.get(), text.data(), text.size(), 0), st.st_size);
        EXPECT_TRUE(seal_memfd(part.get()).ok()) << "the queue must be able to seal it";
        out += text;
    }
    return out;
}

TEST(Body, PartsHoldTheTextInOrder) {
    for (const std::size_t piece : {1U, 7U, 4096U, 16384U, 65536U, 262144U, 700000U}) {
        MemoryBudget budget(10 << 20);
        Body body(budget);
        std::string text;
        while (text.size() < 700'000) text += std::to_string(text.size()) + "\r\n";
        const std::size_t step = piece == 1 ? 101 : piece;
        for (std::size_t at = 0; at < text.size(); at += step)
            ASSERT_TRUE(body.write(std::string_view(text).substr(at, step)));
        EXPECT_EQ(body.size(), text.size());
        auto parts = body.finish();
        ASSERT_TRUE(parts.ok());
        EXPECT_EQ(parts->size(), (text.size() + max_memfd - 1) / max_memfd);
        EXPECT_EQ(content_of(*parts), text);
    }
}

TEST(Body, ASmallMessageIsOneDescriptor) {
    MemoryBudget budget(1000);
    Body body(budget);
    ASSERT_TRUE(body.write("Received: x\r\n"));
    ASSERT_TRUE(body.write("Hola\r\n"));
    auto parts = body.finish();
    ASSERT_TRUE(parts.ok());
    EXPECT_EQ(parts->size(), 1U);
    EXPECT_EQ(content_of(*parts), "Received: x\r\nHola\r\n");
}

TEST(Body, MemoryIsCountedUntilDropped) {
    MemoryBudget budget(100);
    Body first(budget);
    Body second(budget);
    ASSERT_TRUE(first.write(std::string(60, 'x')));
    ASSERT_TRUE(first.finish().ok());
    EXPECT_EQ(second.write(std::string(41, 'x')).error().code, Errc::no_space);
    EXPECT_EQ(budget.used(), 60U);
    first.drop();
    EXPECT_EQ(budget.used(), 0U);
    EXPECT_TRUE(second.write(std::string(100, 'x')));
    EXPECT_FALSE(budget.has_room(1));
    {
        Body third(budget);
        EXPECT_FALSE(third.write("x"));
    }
    second.drop();
    EXPECT_TRUE(budget.has_room(100));
    EXPECT_FALSE(budget.has_room(~std::uint64_t{0}));
}

TEST(Body, EmptyIsNoMessage) {
    MemoryBudget budget(100);
    Body body(budget);
    EXPECT_FALSE(body.finish().ok());
}

} // namespace
} // namespace posada::smtpd
