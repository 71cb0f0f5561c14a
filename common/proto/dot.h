// SPDX-License-Identifier: BSD-2-Clause
// Dot-terminated text: DotReader takes SMTP DATA apart (RFC 5321 4.5.2), DotWriter makes it for SMTP and POP3
// (RFC 1939 3). The reader knows one line end and one end of data, chosen before the first byte of content: anything
// else that some server somewhere takes for an end refuses the message (SMTP smuggling, CVE-2023-51764/51765/51766).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posada::proto {

// crlf: what SMTP says. lf: for a dialog typed by hand whose commands all ended in LF too; content is then given out
// with CRLF. repair: the end of data is CRLF.CRLF as in crlf, a bare LF inside the content is given out as CRLF, a lone
// dot next to one is refused. Never chosen from the content, which is another person's.
enum class DataLines : unsigned char { crlf, lf, repair };

enum class DataFault : unsigned char {
    none,
    bare_lf,   // content is refused: 550 5.5.2, and the connection is closed
    bare_cr,   // the same
    nul,       // the same
    too_large, // the limit was passed; the rest was swallowed up to the true end: 552 5.3.4
};
// "bare <LF> in message data" ...
const char* data_fault_text(DataFault fault) noexcept;

class DotReader {
  public:
    explicit DotReader(std::uint64_t max_size, DataLines lines = DataLines::crlf)
        : max_size_(max_size), lines_(lines) {}

    // Eats input up to and including the end of data; gives un-stuffed content to sink(std::string_view) in pieces
    // that point into the input (or to a constant). Returns the bytes eaten. Content stops flowing at the first
    // fault; after bare_lf, bare_cr or nul the end is whatever looks like one, because nothing behind it is read.
    template <class Sink>
    std::size_t consume(std::string_view input, Sink&& sink) {
        std::size_t used = 0;
        while (!ended_ && used < input.size()) {
            const Piece piece = next(input.substr(used));
            used += piece.consumed;
            if (!piece.content.empty() && fault_ == DataFault::none) sink(piece.content);
            if (piece.add_line_end && fault_ == DataFault::none) sink(std::string_view("\r\n"));
        }
        return used;
    }

    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] DataFault fault() const { return fault_; }
    // Of the content, un-stuffed, with CRLF line ends; counts on after too_large.
    [[nodiscard]] std::uint64_t size() const { return size_; }

  private:
    enum class State : unsigned char { line_start, text, cr, dot, dot_cr, lf_start, lf_dot };
    struct Piece {
        std::string_view content;
        std::size_t consumed = 0;
        bool add_line_end = false;
    };
    Piece next(std::string_view in);
    Piece text(std::string_view in);
    Piece after_dot(std::string_view in);
    Piece after_bare_lf(std::string_view in);
    Piece skip_refused(std::string_view in);
    Piece refuse(DataFault why, std::string_view in, std::size_t at);
    void count(std::uint64_t octets);

    std::uint64_t max_size_;
    DataLines lines_;
    std::uint64_t size_ = 0;
    State state_ = State::line_start;
    DataFault fault_ = DataFault::none;
    bool ended_ = false;
};

// Makes stored text (line ends LF or CRLF, mixed) into dot-stuffed lines that all end in CRLF. A CR that belongs to no
// line end becomes a space, so that nothing but CRLF pairs leaves (outbound smuggling); that keeps the length:
// octets sent = octets stored + number of LF without CR + stuffed dots + a final CRLF where it is missing.
class DotWriter {
  public:
    // wrap: lines longer than this many octets are broken with CRLF SP (RFC 5321 4.5.3.1.6: 998); 0 = never.
    explicit DotWriter(std::size_t wrap = 0) : wrap_(wrap) {}
    // Appends to out.
    void write(std::string_view text, std::string& out);
    // Ends the last line if it is open and appends ".\r\n".
    void finish(std::string& out);

  private:
    void lines(std::string_view text, std::string& out);
    void part(std::string_view text, std::string& out);
    void content(std::string_view text, std::string& out);

    std::size_t wrap_;
    std::size_t column_ = 0; // 0 = at the start of a line
    bool pending_cr_ = false;
};

} // namespace posada::proto
