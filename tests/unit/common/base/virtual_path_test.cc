// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/virtual_path.h"

#include <gtest/gtest.h>

using namespace posada;
using namespace std::string_literals;

TEST(VirtualPath, ResolvesByText) {
    const struct {
        const char* cwd;
        const char* typed;
        const char* path;
    } rows[] = {
        {"/", "", "/"},
        {"/a/b", "", "/a/b"},
        {"/a/b", "../c", "/a/c"},
        {"/a", "/x//y/./", "/x/y"},
        {"/", "../../..", "/"},
        {"/a", "../../../b", "/b"},
        {"/a", "..", "/"},
        {"/a", "b/../../c", "/c"},
        {"/", "/..//etc", "/etc"},
        {"/a", "~root", "/a/~root"},
        {"/a", "...", "/a/..."},
    };
    for (const auto& row : rows) EXPECT_EQ(resolve_path(row.cwd, row.typed), row.path) << row.cwd << " " << row.typed;
}

TEST(VirtualPath, RefusesNulAndWhatIsTooLong) {
    EXPECT_FALSE(resolve_path("/", "a\0b"s));
    EXPECT_TRUE(resolve_path("/", std::string(max_path - 1, 'a')));
    EXPECT_FALSE(resolve_path("/", std::string(max_path + 1, 'a')));
    EXPECT_FALSE(resolve_path("/" + std::string(max_path - 1, 'a'), "bb"));
}

TEST(VirtualPath, PartsOfAPath) {
    EXPECT_EQ(parent_of("/a/b"), "/a");
    EXPECT_EQ(parent_of("/a"), "/");
    EXPECT_EQ(parent_of("/"), "/");
    EXPECT_EQ(name_of("/a/b"), "b");
    EXPECT_EQ(name_of("/"), "");
}
