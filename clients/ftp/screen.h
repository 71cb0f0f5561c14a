// SPDX-License-Identifier: BSD-2-Clause
// What the user sees and is asked. Nothing that a server sends reaches the terminal as it came: control octets, those
// above 127 too, are shown as text, so that no server moves the cursor or types an answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posada::ftp {

// Printable characters, UTF-8 among them, and tabs stay; every other octet becomes \xHH.
std::string visible(std::string_view text);

class Screen {
  public:
    void line(std::string_view text) const;    // on the standard output, made visible
    void trouble(std::string_view text) const; // on the standard error
    void mark(std::string_view text) const;    // as it is, without a line end
    // One line of the standard input, without echo if secret and typed; nothing at its end.
    std::optional<std::string> ask(const std::string& prompt, bool secret = false);
    // In place of the line that was shown so before; empty: takes it away.
    void progress(const std::string& text) const;
    // The standard error is a terminal, and we are in its foreground.
    [[nodiscard]] bool shows_progress() const;
    [[nodiscard]] std::size_t width() const;
    [[nodiscard]] bool typed() const { return typed_; } // a person is there

  private:
    bool typed_ = is_terminal();
    static bool is_terminal();
};

} // namespace posada::ftp
