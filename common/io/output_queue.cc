// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/output_queue.h"

#include <unistd.h>

#include <cerrno>

namespace posada::io {
namespace {
constexpr std::size_t small_file = 16 * 1024; // below this a copy is cheaper than a segment and a call of its own
constexpr std::size_t block_size = 64 * 1024; // a block that has grown to this is left alone: no copy of what waits
} // namespace

void OutputQueue::add(std::string_view bytes) {
    if (bytes.empty()) return;
    if (blocks_.empty() || blocks_.back().is_file() || blocks_.back().bytes.size() >= block_size)
        blocks_.emplace_back();
    blocks_.back().bytes.append(bytes);
    size_ += bytes.size();
    in_memory_ += bytes.size();
}

Status OutputQueue::add_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) {
    if (length == 0) return {};
    if (length <= small_file) {
        std::string bytes(static_cast<std::size_t>(length), '\0');
        RETURN_IF_ERROR(read_range(file.get(), offset, bytes.data(), bytes.size()));
        add(bytes);
        return {};
    }
    Block block;
    block.file = std::move(file);
    block.offset = offset;
    block.left = length;
    blocks_.push_back(std::move(block));
    size_ += length;
    return {};
}

void OutputQueue::sent(std::size_t n) {
    Block& block = blocks_.front();
    size_ -= n;
    if (block.is_file()) {
        block.offset += n;
        block.left -= n;
        if (block.left == 0) blocks_.pop_front();
        return;
    }
    in_memory_ -= n;
    block.sent += n;
    if (block.sent == block.bytes.size()) blocks_.pop_front();
}

void OutputQueue::clear() {
    blocks_.clear();
    size_ = 0;
    in_memory_ = 0;
}

} // namespace posada::io
