// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/heap.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "common/base/sanitized.h"

namespace posada {

namespace {
constexpr std::size_t forgotten_stack = 1024 * 1024;
} // namespace

#ifdef POSADA_SANITIZED
void settle_heap() {} // another allocator
#else
namespace {

constexpr std::size_t header = sizeof(std::size_t);
constexpr std::size_t step = 16;             // between the sizes of chunks
constexpr std::size_t smallest = 32;         // chunk
constexpr std::size_t largest_cached = 1040; // chunk: up to here malloc keeps a few of each size apart ...
constexpr int cached_of_a_size = 7;          // ... this many
constexpr int kept_at_the_end = 512 * 1024;  // octets; malloc's own value is 128 KiB
constexpr std::size_t largest_hole = 4096;   // worth an attempt; larger ones are split

std::size_t room_at_the_end() { return ::mallinfo2().keepcost; }

// Never freed: that is the point. False: it came from the heap's end.
bool use_up(std::size_t chunk) {
    const std::size_t end = room_at_the_end();
    return std::malloc(chunk - header) != nullptr && room_at_the_end() == end;
}

} // namespace

void settle_heap() {
    ::malloc_trim(0);
    ::mallopt(M_TRIM_THRESHOLD, kept_at_the_end);
    ::mallopt(M_MXFAST, 0); // else every child merges what its parent has freed, all over the heap
    for (std::size_t chunk = smallest; chunk <= largest_cached; chunk += step)
        for (int i = 0; i < cached_of_a_size && use_up(chunk); ++i) {
        }
    for (std::size_t chunk = largest_hole; chunk >= smallest; chunk /= 2)
        while (use_up(chunk)) {
        }
}
#endif

// This frame and the red zone stay. ENOMEM says that less was ever used.
__attribute__((noinline)) void forget_stack() {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) & ~(page - 1);
    ::madvise(reinterpret_cast<void*>(here - page - forgotten_stack), forgotten_stack, MADV_DONTNEED);
}

void give_back_heap() {
    ::malloc_trim(0);
    forget_stack();
}

} // namespace posada
