// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/heap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <vector>

namespace posada::testing {
namespace {

constexpr std::uintptr_t page = 4096;

// Every second chunk of many, in sizes as a start leaves them.
void make_holes() {
    std::vector<void*> chunks;
    for (std::size_t i = 0; i < 4000; ++i) chunks.push_back(std::malloc(32 + i * 7 % 900));
    for (std::size_t i = 0; i < chunks.size(); i += 2) std::free(chunks[i]);
}

std::size_t pages_of_forty_allocations() {
    std::set<std::uintptr_t> pages;
    for (std::size_t i = 0; i < 40; ++i)
        pages.insert(reinterpret_cast<std::uintptr_t>(std::malloc(24 + i * 20)) / page);
    return pages.size();
}

TEST(Heap, SettledItGivesNewChunksFromFewPages) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
    make_holes();
    settle_heap();
    EXPECT_LE(pages_of_forty_allocations(), 7u); // 17 KiB in all
}

TEST(Heap, SettlingTwiceIsHarmless) {
    settle_heap();
    settle_heap();
    give_back_heap();
    void* const chunk = std::malloc(1);
    EXPECT_NE(chunk, nullptr);
    std::free(chunk);
}

} // namespace
} // namespace posada::testing
