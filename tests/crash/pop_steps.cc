// SPDX-License-Identifier: BSD-2-Clause
// A kill at every system call of deliveries and POP3 sessions on one mailbox: each time the mailbox is judged by what
// client and queue had heard.
//   pop-steps [STEP]      every STEP-th stop only
// Last line: "stops=N violations=N".
#include <unistd.h>

#include <cstdlib>

#include "common/base/text.h"
#include "tests/crash/kill_at_stop.h"
#include "tests/crash/pop_host.h"

using namespace posada;
using namespace posada::crash;

namespace {

int script(const std::string& root, int pipe) {
    PopHost host(root, [pipe](const std::string& mark) {
        if (!write_all(pipe, mark + "\n")) ::_exit(3);
    });
    return short_pop_script(host) ? 0 : 1;
}

std::string judge(const std::string& root, const std::string& heard) {
    History history;
    for (const std::string_view mark : split(heard, '\n'))
        if (!mark.empty()) history.note(std::string(mark));
    return history.judge(root);
}

} // namespace

int main(int argc, char** argv) {
    return kill_at_each_stop({script, judge}, argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1);
}
