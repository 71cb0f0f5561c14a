// SPDX-License-Identifier: BSD-2-Clause
// The process title: ps(1) shows the bytes where argv and the environment were put by the kernel; we write there.
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "common/priv/drop.h"

namespace posada::priv {

namespace {

// Per process by nature, like the sink of the log: there is one title.
struct TitleRoom {
    char* start = nullptr;
    std::size_t size = 0;
};
TitleRoom title_room;

// The strings lie back to back; a gap would be somebody else's memory.
char* end_of_strings(char** strings, char* end) {
    for (char** s = strings; *s != nullptr; ++s)
        if (*s == end) end += strlen(end) + 1;
    return end;
}

// Copies that live as long as the process.
void move_environment() {
    for (char** variable = environ; *variable != nullptr; ++variable)
        if (char* copy = ::strdup(*variable); copy != nullptr) *variable = copy;
}

char printable(char c) { return c >= 32 && c < 127 ? c : '?'; }

} // namespace

void keep_title_room(int argc, char** argv) {
    if (argc < 1 || title_room.start != nullptr) return;
    char* end = end_of_strings(argv, argv[0]);
    if (environ != nullptr) {
        end = end_of_strings(environ, end);
        move_environment();
    }
    title_room = TitleRoom{argv[0], static_cast<std::size_t>(end - argv[0])};
}

void set_process_title(std::string_view title) noexcept {
    char name[16] = {};
    std::transform(title.begin(), title.begin() + std::min(title.size(), sizeof name - 1), name, printable);
    ::prctl(PR_SET_NAME, name, 0, 0, 0);
    if (title_room.size == 0) return;
    const std::size_t length = std::min(title.size(), title_room.size - 1);
    std::transform(title.begin(), title.begin() + length, title_room.start, printable);
    std::fill(title_room.start + length, title_room.start + title_room.size, '\0');
}

} // namespace posada::priv
