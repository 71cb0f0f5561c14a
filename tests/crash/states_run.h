// SPDX-License-Identifier: BSD-2-Clause
// Every crash state of a script: records what it does to the disk, cuts the power after each step, rebuilds what may
// then be there, has it judged, and counts. With --without NAME the run is judged as if one sync were missing from the
// code: that must be noticed, or the test proves nothing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "tests/crash/recorder.h"

namespace posada::crash {

struct Mutation {
    std::string_view name; // of the sync that is missing
    // Asked of each event in order; true for a sync: this one was not made. path: of the event's object, "" for a sync
    // of the whole file system.
    std::function<bool(const Event& event, const std::string& path)> missing;
};

struct StatesTest {
    std::vector<Mutation> mutations;
    // On an empty directory; its marks are what the world outside has seen.
    Status (*script)(const std::string& root);
    // What is wrong below root for those who saw these marks; one line each.
    std::vector<std::string> (*judge)(const std::string& root, const std::vector<std::string>& marks);
    // Files that may be lost beside: each state is judged without each of them too.
    std::vector<std::string> losses;
};

// The program's exit code. Options: [--without NAME] [--random N] [--seed N] [--list] [--steps]; its last line:
// "steps=N states=N violations=N".
int run_states(int argc, char** argv, const StatesTest& test);

} // namespace posada::crash
