// SPDX-License-Identifier: BSD-2-Clause
// Runs a fuzz target on files instead of random input: the seeds as regression tests under the sanitizers of g++, and
// a found input in a debugger. Arguments are files and folders (one level).
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "common/base/fd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t max_input = 16 * 1024 * 1024;

// The file itself, or what lies in the folder, by name.
std::vector<std::string> files_of(const std::string& path) {
    struct stat st {};
    if (stat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) return {path};
    std::vector<std::string> out;
    DIR* dir = opendir(path.c_str());
    if (dir == nullptr) return out;
    while (const dirent* entry = readdir(dir))
        if (entry->d_name[0] != '.') out.push_back(path + "/" + entry->d_name);
    closedir(dir);
    std::sort(out.begin(), out.end());
    return out;
}

bool replay(const std::string& path) {
    const auto bytes = posada::read_file(path, max_input);
    if (!bytes) {
        std::fprintf(stderr, "%s: %s\n", path.c_str(), bytes.error().describe().c_str());
        return false;
    }
    std::fprintf(stderr, "%s (%zu bytes)\n", path.c_str(), bytes->size());
    // A heap copy of exactly this size, so that ASan sees a read behind the end.
    const std::vector<std::uint8_t> copy(bytes->begin(), bytes->end());
    LLVMFuzzerTestOneInput(copy.data(), copy.size());
    return true;
}

} // namespace

int main(int argc, char** argv) {
    std::size_t done = 0;
    for (int i = 1; i < argc; ++i)
        for (const std::string& path : files_of(argv[i])) {
            if (!replay(path)) return 71;
            ++done;
        }
    std::printf("%zu\n", done);
    return done == 0 ? 64 : 0;
}
