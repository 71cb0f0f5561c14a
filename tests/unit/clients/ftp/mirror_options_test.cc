// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "clients/ftp/mirror.h"

namespace posada::ftp {

static MirrorOrder parsed(const Words& words) {
    auto order = parse_mirror(words);
    EXPECT_TRUE(order);
    return order ? *order : MirrorOrder{};
}

TEST(MirrorOptions, ADirectoryHasTheSameNameOnTheOtherSide) {
    EXPECT_EQ(parsed({"mirror"}).remote, "");
    EXPECT_EQ(parsed({"mirror"}).local, ".");
    EXPECT_EQ(parsed({"mirror", "pub/iso/"}).remote, "pub/iso");
    EXPECT_EQ(parsed({"mirror", "pub/iso/"}).local, "iso");
    EXPECT_EQ(parsed({"mirror", ".", "here"}).remote, "");
    EXPECT_EQ(parsed({"mirror", "/", "here"}).remote, "/");
    EXPECT_EQ(parsed({"mirror", "-R", "dist/www"}).remote, "www");
    EXPECT_EQ(parsed({"mirror", "-R", "dist/www"}).local, "dist/www");
    EXPECT_EQ(parsed({"mirror", "-R", ".", "www"}).local, ".");
    for (const Words& bad : {Words{"mirror", ".."}, {"mirror", "/"}, {"mirror", "a", "b", "c"}})
        EXPECT_FALSE(parse_mirror(bad)) << bad[1];
}

TEST(MirrorOptions, AreReadAnewEachTime) {
    for (int i = 0; i < 2; ++i) {
        const MirrorOrder order =
            parsed({"mirror", "-Rcn", "-P4", "--delete", "--dry-run", "-x", "*.o", "--exclude=.git", "a", "b"});
        EXPECT_TRUE(order.reverse && order.resume && order.rules.only_newer && order.rules.remove && order.dry_run);
        EXPECT_EQ(order.connections, 4U);
        EXPECT_EQ(order.rules.exclude, (std::vector<std::string>{"*.o", ".git"}));
        EXPECT_EQ(order.local, "a");
        EXPECT_EQ(order.remote, "b");
    }
    const MirrorOrder usual = parsed({"mirror", "a"});
    EXPECT_FALSE(usual.reverse || usual.resume || usual.rules.only_newer || usual.rules.remove || usual.dry_run);
    EXPECT_EQ(usual.connections, 1U);
}

TEST(MirrorOptions, MistakesAreRefused) {
    EXPECT_TRUE(parse_mirror({"mirror", "-P", std::to_string(max_connections)}));
    for (const Words& bad : {Words{"mirror", "-P", "0"},
                             {"mirror", "-P", std::to_string(max_connections + 1)},
                             {"mirror", "-P", "x"},
                             {"mirror", "-P"},
                             {"mirror", "-z"},
                             {"mirror", "--nothing"}})
        EXPECT_FALSE(parse_mirror(bad)) << bad[1];
    EXPECT_EQ(parsed({"mirror", "--", "-a"}).remote, "-a");
}

} // namespace posada::ftp
