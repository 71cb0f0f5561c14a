// SPDX-License-Identifier: BSD-2-Clause
// OutputQueue: the bytes and file ranges a Stream has still to send, in order. Small writes gather in one block, so
// that the replies to a pipelined batch leave as one segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::io {

class OutputQueue {
  public:
    struct Block {
        std::string bytes; // [sent, size) is to be sent ...
        std::size_t sent = 0;
        UniqueFd file; // ... or, if valid, left bytes of this from offset on
        std::uint64_t offset = 0;
        std::uint64_t left = 0;
        [[nodiscard]] bool is_file() const { return file.valid(); }
        [[nodiscard]] std::string_view rest() const { return std::string_view(bytes).substr(sent); }
    };

    void add(std::string_view bytes);
    // A short range is read at once and joins the bytes around it; it fails when the file ends before offset + length.
    Status add_file(UniqueFd file, std::uint64_t offset, std::uint64_t length);
    [[nodiscard]] bool empty() const { return blocks_.empty(); }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::size_t in_memory() const { return in_memory_; } // of size(), without file ranges
    [[nodiscard]] Block& front() { return blocks_.front(); }
    [[nodiscard]] bool more_after_front() const { return blocks_.size() > 1; }
    void sent(std::size_t n); // n bytes of the front block are done
    void clear();

  private:
    std::deque<Block> blocks_;
    std::uint64_t size_ = 0;
    std::size_t in_memory_ = 0;
};

} // namespace posada::io
