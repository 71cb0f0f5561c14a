// SPDX-License-Identifier: BSD-2-Clause
// A first look at a configuration file, before the TOML parser: where quotes and comments are, and what stands outside.
#include <fmt/format.h>

#include "common/base/text.h"
#include "common/service/config/config_tree.h"

namespace posada::service {

namespace {

constexpr std::size_t longest_line = 4'096;
constexpr std::size_t most_dots = 64;

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::optional<HostilePlace> run() {
        while (at_ < text_.size() && !found_) {
            if (text_[at_] == '\n') {
                end_line();
            } else if (mode_ == Mode::outside) {
                outside();
            } else {
                inside();
            }
        }
        return found_;
    }

  private:
    enum class Mode : std::uint8_t { outside, comment, quoted, quoted_lines };

    void end_line() {
        if (mode_ != Mode::quoted_lines) mode_ = Mode::outside; // an open quote ends here: the parser will complain
        ++at_;
        ++line_;
        line_start_ = at_;
        dots_ = 0;
    }

    void outside() {
        const char c = text_[at_];
        if (c == '#') mode_ = Mode::comment;
        if (c == '"' || c == '\'') return open(c);
        if (static_cast<unsigned char>(c) >= 0x80) return fail("only ASCII may stand outside quotes");
        if (c == '.' && ++dots_ > most_dots)
            return fail(fmt::format("more than {} dots outside quotes in one line", most_dots));
        ++at_;
    }

    void open(char quote) {
        quote_ = quote;
        const bool triple = text_.substr(at_, 3) == std::string(3, quote);
        mode_ = triple ? Mode::quoted_lines : Mode::quoted;
        at_ += triple ? 3 : 1;
    }

    void inside() {
        const char c = text_[at_];
        if (mode_ == Mode::comment || c != quote_) {
            const bool escape = mode_ != Mode::comment && quote_ == '"' && c == '\\';
            at_ += escape && at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2 : 1;
            return;
        }
        if (mode_ == Mode::quoted) {
            ++at_;
            mode_ = Mode::outside;
            return;
        }
        std::size_t run = 0; // up to two quotes of the text may stand before the three that close it
        while (at_ < text_.size() && text_[at_] == quote_ && run < 5) ++at_, ++run;
        if (run >= 3) mode_ = Mode::outside;
    }

    void fail(std::string text) {
        unsigned column = 1;
        for (std::size_t i = line_start_; i < at_; ++i)
            if ((static_cast<unsigned char>(text_[i]) & 0xC0) != 0x80) ++column;
        found_ = HostilePlace{line_, column, std::move(text)};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    unsigned line_ = 1;
    std::size_t dots_ = 0;
    char quote_ = 0;
    Mode mode_ = Mode::outside;
    std::optional<HostilePlace> found_;
};

std::optional<HostilePlace> bad_line(std::string_view line, unsigned number) {
    if (const auto nul = line.find('\0'); nul != std::string_view::npos)
        return HostilePlace{number, static_cast<unsigned>(nul + 1), "a NUL byte; this is not a text file"};
    if (!is_valid_utf8(line)) return HostilePlace{number, 1, "this line is not valid UTF-8"};
    if (line.size() > longest_line)
        return HostilePlace{number, longest_line, fmt::format("a line of more than {} octets", longest_line)};
    return std::nullopt;
}

} // namespace

std::optional<HostilePlace> find_hostile(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    unsigned number = 0;
    for (const std::string_view line : split(text, '\n'))
        if (auto bad = bad_line(line, ++number)) return bad;
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    return Scanner(text).run();
}

} // namespace posada::service
