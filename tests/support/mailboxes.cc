// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/mailboxes.h"

#include <algorithm>

namespace posada::test {

namespace {

// A message with LF line ends that has exactly so many octets when sent with CRLF.
std::string message_of(std::size_t octets, std::size_t number) {
    std::string out =
        "From: lir@micasa.test\nTo: daniel.morato@micasa.test\nSubject: message " + std::to_string(number) + "\n\n";
    std::size_t left = octets - out.size() - 4;
    while (left > 0) {
        const std::size_t line = left <= 74 ? left : std::min<std::size_t>(72, left - 3);
        out.append(line - 2, 'x').append("\n");
        left -= line;
    }
    return out;
}

std::vector<std::string> course() {
    constexpr std::size_t total = 35'020'509;
    constexpr std::size_t count = 412;
    std::vector<std::string> out{message_of(498, 1), message_of(912, 2)};
    std::size_t left = total - 498 - 912;
    for (std::size_t n = 3; n <= count; ++n) {
        const std::size_t octets = left / (count - n + 1);
        out.push_back(message_of(octets, n));
        left -= octets;
    }
    return out;
}

std::vector<std::string> quirks() {
    using namespace std::string_literals;
    return {
        "Subject: dots\r\n\r\n.\r\n..\r\n.dot at the start\r\nend\r\n",
        "Subject: unix\n\nbare\nline ends\n",
        "Subject: no line end\r\n\r\nlast line",
        "Subject: header only\r\n",
        "Subject: nul\r\n\r\nbe\0fore\r\n"s,
        "Subject: long\r\n\r\n" + std::string(1'000'000, 'y') + "\r\n",
        "",
        "Subject: mixed\r\n\nlone\rcr\n",
    };
}

} // namespace

std::vector<std::string> make_mailbox(std::string_view name) {
    if (name == "course") return course();
    if (name == "quirks") return quirks();
    return {};
}

std::string mailbox_file_name(std::size_t index) { return std::to_string(1'700'000'000 + index) + ".M0P1Q1.posada"; }

} // namespace posada::test
