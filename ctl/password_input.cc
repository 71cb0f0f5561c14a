// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/password_input.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>

#include "common/auth/hasher.h"
#include "common/auth/scram.h"
#include "common/base/fd.h"
#include "common/base/text.h"

namespace posada::ctl {

namespace {

volatile sig_atomic_t interrupted = 0;

void note_signal(int signal) noexcept { interrupted = signal; }

// Echo off, and back on even when the prompt is left by ^C. The signals are blocked but inside of wait_for_line(), so
// that none is lost between a look at the flag and the wait.
class SilentTerminal {
  public:
    SilentTerminal() {
        interrupted = 0;
        struct sigaction action {};
        action.sa_handler = note_signal;
        sigset_t blocked;
        ::sigemptyset(&blocked);
        for (std::size_t i = 0; i < signals.size(); ++i) {
            ::sigaction(signals[i], &action, &before_[i]);
            ::sigaddset(&blocked, signals[i]);
        }
        ::sigprocmask(SIG_BLOCK, &blocked, &mask_);
        good_ = ::tcgetattr(STDIN_FILENO, &saved_) == 0;
        termios silent = saved_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
        good_ = good_ && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    ~SilentTerminal() {
        if (good_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved_);
        ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
        if (interrupted != 0) ::raise(interrupted);
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;
    [[nodiscard]] bool good() const { return good_; }
    // false: a signal came instead.
    [[nodiscard]] bool wait_for_line() const {
        pollfd input{STDIN_FILENO, POLLIN, 0};
        return interrupted == 0 && ::ppoll(&input, 1, nullptr, &mask_) == 1 && interrupted == 0;
    }

  private:
    static constexpr std::array<int, 4> signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    std::array<struct sigaction, 4> before_{};
    sigset_t mask_{};
    termios saved_{};
    bool good_ = false;
};

std::optional<Secret> prompt(const SilentTerminal& silent, const char* text) {
    std::fputs(text, stderr);
    std::fflush(stderr);
    std::optional<Secret> out;
    if (silent.wait_for_line())
        if (auto line = password_from_fd(STDIN_FILENO)) out = std::move(*line);
    std::fputs("\n", stderr);
    return out;
}

} // namespace

Status check_new_password(std::string_view password) {
    if (password.size() < least_password)
        return Error{Errc::invalid, 0,
                     "the password is too short: at least " + std::to_string(least_password) +
                         " characters, or let --generate make one"};
    if (password.size() > auth::Hasher::max_password)
        return Error{Errc::invalid, 0,
                     "the password is longer than " + std::to_string(auth::Hasher::max_password) + " bytes"};
    if (has_control(password)) return Error{Errc::invalid, 0, "the password has a control character in it"};
    return {};
}

Result<Secret> password_from_fd(int fd) {
    std::string line;
    char c = 0;
    for (;;) {
        const ssize_t n = ::read(fd, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("cannot read the password from descriptor " + std::to_string(fd));
        if (n == 0 || c == '\n') break;
        line.push_back(c);
        if (line.size() > 4096) break; // check_new_password will say what is wrong with it
    }
    Secret out(line);
    wipe(line);
    return out;
}

Result<Secret> password_from_terminal() {
    if (::isatty(STDIN_FILENO) != 1)
        return Error{Errc::invalid, 0, "standard input is no terminal: give --password-fd N, or --generate"};
    const SilentTerminal silent;
    if (!silent.good()) return errno_error("cannot switch the terminal's echo off");
    auto first = prompt(silent, "New password: ");
    if (!first) return Error{Errc::invalid, 0, "no password given"};
    RETURN_IF_ERROR(check_new_password(first->view()));
    const auto second = prompt(silent, "Again: ");
    if (!second) return Error{Errc::invalid, 0, "no password given"};
    if (!equal_constant_time(first->view(), second->view()))
        return Error{Errc::invalid, 0, "the two passwords differ; nothing was changed"};
    return std::move(*first);
}

Secret generated_password() {
    constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789"; // 32; no l, o, 0, 1
    std::string random = auth::random_bytes(16);
    std::string text;
    for (std::size_t i = 0; i < random.size(); ++i) {
        if (i != 0 && i % 4 == 0) text.push_back('-');
        text.push_back(alphabet[static_cast<unsigned char>(random[i]) % alphabet.size()]);
    }
    Secret out(text);
    wipe(text);
    wipe(random);
    return out;
}

} // namespace posada::ctl
