// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>

#include "clients/ftp/wire.h"
#include "common/base/text.h"

namespace posada::ftp {

// C1 controls are U+0080 to U+009F: in UTF-8 two octets, C2 and the control itself.
static bool is_c1(std::string_view rest) {
    return rest.size() > 1 && rest[0] == '\xc2' && static_cast<unsigned char>(rest[1]) < 0xa0;
}

std::string visible(std::string_view text) {
    const bool utf8 = is_valid_utf8(text);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        const bool shown = octet == '\t' || (octet >= 0x20 && octet < 0x7f) || (octet >= 0x80 && utf8);
        if (shown && !is_c1(text.substr(i))) {
            out += text[i];
            continue;
        }
        out += "\\x" + hex(text.substr(i, 1));
        if (octet == 0xc2 && utf8) out += "\\x" + hex(text.substr(++i, 1));
    }
    return out;
}

void Screen::line(std::string_view text) const {
    const std::string shown = visible(text);
    std::printf("%s\n", shown.c_str());
    if (typed_) std::fflush(stdout);
}

void Screen::trouble(std::string_view text) const {
    std::fflush(stdout); // in the order in which it happened
    std::fprintf(stderr, "%s\n", visible(text).c_str());
}

void Screen::mark(std::string_view text) const {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

// The terminal shows nothing of what is typed while this lives.
class NoEcho {
  public:
    NoEcho() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;
    ~NoEcho() {
        if (!changed_) return;
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
        std::fputc('\n', stdout);
    }

  private:
    termios before_{};
    bool changed_ = false;
};

// False after ^C, also one that came before anybody waited. A terminal hands over single lines, so stdio holds none.
static bool wait_for_typing() {
    constexpr int step_ms = 100;
    pollfd typing{STDIN_FILENO, POLLIN, 0};
    while (!interrupted())
        if (::poll(&typing, 1, step_ms) > 0) return true;
    return false;
}

std::optional<std::string> Screen::ask(const std::string& prompt, bool secret) {
    // Before the prompt: what is typed as soon as it appears is neither shown nor thrown away.
    std::optional<NoEcho> quiet;
    if (secret && typed_) quiet.emplace();
    mark(prompt);
    if (typed_ && !wait_for_typing()) return std::nullopt;
    std::string line;
    for (int c = 0; (c = std::getchar()) != '\n'; line += static_cast<char>(c)) {
        if (c != EOF) continue;
        std::clearerr(stdin); // ^C at a terminal is no end of it
        if (line.empty()) return std::nullopt;
        break;
    }
    return line;
}

void Screen::progress(const std::string& text) const {
    std::fflush(stdout);
    std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
    std::fflush(stderr);
}

bool Screen::shows_progress() const {
    return ::isatty(STDERR_FILENO) == 1 && ::tcgetpgrp(STDERR_FILENO) == ::getpgrp();
}

std::size_t Screen::width() const {
    constexpr std::size_t usual = 80;
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return (known ? std::size_t{size.ws_col} : usual) - 1; // in the last column terminals differ
}

bool Screen::is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

} // namespace posada::ftp
