// SPDX-License-Identifier: BSD-2-Clause
// MboxReader: cuts an mbox into messages while it streams by; pure, any pieces give the same messages. For reading and
// import only: posada never writes an mbox. A message starts at a line that parse_from_line() takes; the empty line in
// front of it belongs to the mbox, not to the mail before. No length that the file claims reserves any memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/store/mbox_from.h"

namespace posada::store {

// How the writer kept lines of a mail that look like a message's start apart from one.
enum class MboxQuoting : std::uint8_t {
    none,   // not at all: ">From " is text
    mboxo,  // "From " became ">From "; ">>From " is text
    mboxrd, // as mboxo, and ">From " became ">>From ": can be undone exactly
};

// What header fields of mailbox programs said about a message. They are never part of the content: the sender of a
// mail can write them too, so what they claim is used only as far as the caller wants.
struct MboxStatus {
    std::string flags;                 // Maildir letters in order, of D F R S T (Status:, X-Status:)
    bool seen_before = false;          // Status: O or R: not new any more
    std::vector<std::string> keywords; // X-Keywords:
    std::string uidl;                  // X-UIDL:, if it is one (RFC 1939 §7)
    bool internal = false;             // no mail: the first entry where UW imapd keeps its own notes
};

class MboxSink {
  public:
    virtual ~MboxSink() = default;
    virtual void begin(const FromLine& from) = 0;
    virtual void content(std::string_view bytes) = 0; // the mail's octets, unquoted
    virtual void end(const MboxStatus& status) = 0;
};

constexpr std::size_t max_status_field = 4096; // octets of a status field's value that are looked at

class MboxReader {
  public:
    // What stands at this position of the file, max_from_line octets or up to the end; nullopt = behind the end.
    using Probe = std::function<std::optional<std::string>(std::uint64_t offset)>;
    // Content-Length is believed where the probe finds a message's start, or the end of the file, behind that length;
    // lines in between start no message and are not unquoted then. Without a probe it is not looked at.
    explicit MboxReader(MboxSink& sink, MboxQuoting quoting = MboxQuoting::mboxrd, Probe probe = nullptr)
        : sink_(sink), quoting_(quoting), probe_(std::move(probe)) {}

    // Errc::invalid: this is no mbox, for it does not start with a message; nothing more is read then.
    Status feed(std::string_view bytes);
    // The file has ended here.
    Status finish();
    [[nodiscard]] std::uint64_t messages() const { return messages_; }

  private:
    enum class Where : std::uint8_t { before_first, header, body };
    enum class Line : std::uint8_t { undecided, pass, drop };

    void take(std::string_view part);
    [[nodiscard]] Status verdict() const;
    [[nodiscard]] bool undecided() const;
    void decide(bool complete);
    void decide_header(bool complete);
    void decide_body(bool complete);
    bool starts_message();
    void start(const FromLine& from);
    void end_message();
    void end_header();
    void end_line();
    void take_field();
    void pass_held();
    void flush_blank();
    void emit(std::string_view bytes);
    [[nodiscard]] bool inside_length() const { return line_start_ < length_end_; }

    MboxSink& sink_;
    MboxQuoting quoting_;
    Probe probe_;
    Where where_ = Where::before_first;
    Line line_ = Line::undecided;
    bool not_mbox_ = false;
    bool crlf_ = false;            // the message's From_ line ended in CRLF: so do its lines, and are turned to LF
    bool cr_ = false;              // a CR waits for its LF
    bool field_dropped_ = false;   // the header field under way, with its continuation lines
    std::string held_;             // the start of a line that is not decided on
    std::string blank_;            // an empty line that may belong to the mbox
    std::string field_;            // name of the status field under way, lower case
    std::string value_;            // and its value so far
    std::uint64_t offset_ = 0;     // of the next octet
    std::uint64_t line_start_ = 0; // of the line under way
    std::uint64_t length_end_ = 0; // where the believed Content-Length ends
    std::optional<std::uint64_t> length_;
    std::uint64_t messages_ = 0;
    bool internal_sender_ = false;
    MboxStatus status_;
};

} // namespace posada::store
