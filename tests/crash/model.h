// SPDX-License-Identifier: BSD-2-Clause
// What may be on the disk after a power failure, by the strictest reading of POSIX: an effect is certain once its own
// file (data) or its own directory (names) has been synced after it; of the others any subset may be there, whole or
// torn at a sector. A rename is atomic and belongs to the directory it leads to.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/crash/recorder.h"

namespace posada::crash {

enum class Unsynced : std::uint8_t {
    lost,   // none of it
    kept,   // all of it: what a mere kill leaves
    random, // any subset
};

class CrashModel {
  public:
    explicit CrashModel(const Recording& recording); // which outlives it

    [[nodiscard]] std::size_t points() const { return recording_.events.size() + 1; }
    // Crash after the first `point` events.
    [[nodiscard]] Image image_at(std::size_t point, Unsynced unsynced, std::mt19937& chance) const;
    // Marks among the first `point` events.
    [[nodiscard]] std::vector<std::string> marks_at(std::size_t point) const;

  private:
    const Recording& recording_;
    std::vector<std::size_t> certain_from_; // per event: the first point at which its effect is certain
};

// Makes the files of an image below an existing empty directory. Shared memory of SQLite does not survive a crash.
void materialize(const Image& image, const std::string& directory);

} // namespace posada::crash
