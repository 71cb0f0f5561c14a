// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mbox.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "common/store/mbox_status.h"

namespace posada::store {

namespace {

constexpr std::string_view from = "From ";
constexpr std::size_t longest_held = max_from_line + 2; // with CRLF

std::string_view without_line_end(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool is_line_end(std::string_view line) { return line == "\n" || line == "\r\n"; }

// ">From ", ">>From " ...; nothing: it may become one.
std::optional<bool> quoted_from(std::string_view line) {
    const std::size_t depth = std::min(line.find_first_not_of('>'), line.size());
    const std::string_view rest = line.substr(depth, from.size());
    if (depth == 0 || !from.starts_with(rest)) return false;
    if (rest.size() == from.size()) return true;
    return std::nullopt;
}

} // namespace

Status MboxReader::feed(std::string_view bytes) {
    while (!bytes.empty() && !not_mbox_) {
        const std::size_t lf = std::min(bytes.find('\n'), bytes.size() - 1);
        std::size_t size = lf + 1;
        if (line_ == Line::undecided) size = std::min(size, longest_held - held_.size());
        offset_ += size;
        take(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return verdict();
}

// A line or a piece of one.
void MboxReader::take(std::string_view part) {
    if (line_ == Line::undecided) {
        held_ += part;
        return decide(part.back() == '\n');
    }
    if (line_ == Line::pass) {
        emit(part);
    } else if (value_.size() < max_status_field) {
        value_ += part.substr(0, max_status_field - value_.size());
    }
    if (part.back() == '\n') end_line();
}

Status MboxReader::finish() {
    if (!held_.empty()) decide(true);
    if (where_ != Where::before_first) end_message();
    where_ = Where::before_first;
    return verdict();
}

Status MboxReader::verdict() const {
    if (!not_mbox_) return {};
    return Error{Errc::invalid, 0, "not an mbox: it does not begin with a line \"From sender date\""};
}

// The start of the line could still become something else than text.
bool MboxReader::undecided() const {
    const std::string_view line = held_;
    if (line.size() >= longest_held) return false;
    if (line.starts_with(from) || from.starts_with(line) || line == "\r") return true;
    if (where_ == Where::header)
        return line.front() != ' ' && line.front() != '\t' && !status_field_name(line).has_value();
    return where_ == Where::body && !quoted_from(line).has_value();
}

// held_ holds a line's beginning; complete: all of it.
void MboxReader::decide(bool complete) {
    if (!complete && undecided()) return;
    if (complete && starts_message()) return;
    if (where_ == Where::header) return decide_header(complete);
    if (where_ == Where::body) return decide_body(complete);
    not_mbox_ = !(complete && is_line_end(held_));
    held_.clear();
    line_start_ = offset_;
}

bool MboxReader::starts_message() {
    if (where_ == Where::body && inside_length()) return false;
    const auto line = parse_from_line(without_line_end(held_));
    if (!line) return false;
    if (where_ != Where::before_first) end_message();
    start(*line);
    return true;
}

void MboxReader::start(const FromLine& line) {
    crlf_ = held_.ends_with("\r\n");
    internal_sender_ = messages_ == 0 && line.sender == "MAILER-DAEMON";
    ++messages_;
    status_ = {};
    length_.reset();
    where_ = Where::header;
    held_.clear();
    line_start_ = offset_;
    field_dropped_ = false;
    sink_.begin(line);
}

void MboxReader::end_message() {
    take_field();
    if (length_end_ != 0 && line_start_ == length_end_) flush_blank(); // it was counted as the mail's own
    blank_.clear();
    if (cr_) sink_.content("\r");
    cr_ = false;
    length_end_ = 0;
    sink_.end(status_);
}

void MboxReader::decide_header(bool complete) {
    const bool continues = held_.front() == ' ' || held_.front() == '\t';
    if (!continues) {
        take_field();
        field_ = status_field_name(held_).value_or("");
        field_dropped_ = !field_.empty();
    }
    if (!field_dropped_) {
        const bool ends_header = complete && is_line_end(held_);
        pass_held();
        if (ends_header) return end_header();
    } else {
        if (value_.size() < max_status_field)
            value_ += continues ? std::string_view(held_) : std::string_view(held_).substr(field_.size() + 1);
        line_ = Line::drop;
        held_.clear();
    }
    if (complete) end_line();
}

void MboxReader::end_header() {
    where_ = Where::body;
    end_line();
    if (!length_ || !probe_ || *length_ > ~std::uint64_t{0} - offset_) return;
    const auto there = probe_(offset_ + *length_);
    if (!there) return;
    std::string_view behind = *there;
    while (behind.starts_with('\n') || behind.starts_with("\r\n")) behind.remove_prefix(behind.find('\n') + 1);
    if (behind.empty() || parse_from_line(without_line_end(behind.substr(0, behind.find('\n') + 1))))
        length_end_ = offset_ + *length_;
}

void MboxReader::decide_body(bool complete) {
    if (complete && is_line_end(held_)) {
        flush_blank();
        blank_.swap(held_);
        return end_line();
    }
    flush_blank();
    const bool unquotes = quoting_ == MboxQuoting::mboxrd || (quoting_ == MboxQuoting::mboxo && held_[1] != '>');
    if (held_.size() > 1 && unquotes && !inside_length() && quoted_from(held_) == true) held_.erase(0, 1);
    pass_held();
    if (complete) end_line();
}

void MboxReader::end_line() {
    line_ = Line::undecided;
    held_.clear();
    line_start_ = offset_;
}

// The status field that has just ended, with all its lines.
void MboxReader::take_field() {
    if (!field_.empty()) take_status_field(field_, value_, status_);
    if (field_ == "content-length") length_ = parse_uint(trim(without_line_end(value_)));
    if (field_ == "x-imap" && internal_sender_) status_.internal = true;
    field_.clear();
    value_.clear();
}

void MboxReader::pass_held() {
    line_ = Line::pass;
    emit(held_);
    held_.clear();
}

void MboxReader::flush_blank() {
    emit(blank_);
    blank_.clear();
}

void MboxReader::emit(std::string_view bytes) {
    if (!crlf_) {
        if (!bytes.empty()) sink_.content(bytes);
        return;
    }
    while (!bytes.empty()) {
        if (cr_ && bytes.front() != '\n') sink_.content("\r");
        cr_ = false;
        const std::size_t cr = std::min(bytes.find('\r'), bytes.size());
        if (cr != 0) sink_.content(bytes.substr(0, cr));
        cr_ = cr < bytes.size();
        bytes.remove_prefix(std::min(cr + 1, bytes.size()));
    }
}

} // namespace posada::store
