// SPDX-License-Identifier: BSD-2-Clause
// Writer and Reader: the wire form of everything that crosses a process boundary of posada.
// Integers are little endian; a string is u16 length + bytes; a blob is u32 length + bytes. The decoder must consume
// all of its input: finish() fails on anything left over, so that a smuggled tail is a protocol breach, not ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace posada {

class Writer {
  public:
    explicit Writer(std::size_t room = 0) { out_.reserve(room); }
    void u8(std::uint8_t v) { number(v, 1); }
    void u16(std::uint16_t v) { number(v, 2); }
    void u32(std::uint32_t v) { number(v, 4); }
    void u64(std::uint64_t v) { number(v, 8); }
    void boolean(bool v) { u8(v ? 1 : 0); }
    void str(std::string_view v);  // at most 65,535 bytes; longer is a programming error and aborts
    void blob(std::string_view v); // at most 4 GiB - 1
    [[nodiscard]] const std::string& bytes() const { return out_; }
    [[nodiscard]] std::string take() { return std::move(out_); }
    void number(std::uint64_t v, std::size_t size);

  private:
    std::string out_;
};

// After the first malformed field every getter returns a zero value; finish() then reports it. So a decoder reads
// all fields in a row and checks once.
class Reader {
  public:
    explicit Reader(std::string_view in) : in_(in) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    bool boolean();         // anything but 0 and 1 is malformed
    std::string_view str(); // points into the input
    std::string_view blob();
    std::uint64_t number(std::size_t size);
    void fail() { failed_ = true; } // for a field whose value cannot be
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] Status finish() const; // Errc::protocol when malformed or not fully consumed

  private:
    std::string_view take(std::size_t size);
    std::string_view in_;
    bool failed_ = false;
};

} // namespace posada
