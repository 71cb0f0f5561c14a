// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/transaction.h"

#include <algorithm>
#include <cstring>

#include "common/base/text.h"

namespace posada::smtpd {

namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::string_view received_name = "received";

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); }

bool is_keyword(std::string_view text) {
    const auto fits = [](char c) { return is_alnum(c) || c == '-'; };
    return !text.empty() && is_alnum(text.front()) && std::all_of(text.begin(), text.end(), fits);
}

bool is_value(std::string_view text) {
    const auto fits = [](char c) { return c > 0x20 && c < 0x7f && c != '='; };
    return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

// Eight octets at a time; memcpy because the text has no alignment.
bool has_high_bit(std::string_view text) {
    constexpr std::uint64_t mask = 0x8080808080808080ULL;
    std::uint64_t seen = 0;
    while (text.size() >= sizeof seen) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), sizeof word);
        seen |= word & mask;
        text.remove_prefix(sizeof word);
    }
    for (const char c : text) seen |= static_cast<unsigned char>(c) & 0x80U;
    return seen != 0;
}

} // namespace

bool MailTransaction::has(const proto::Mailbox& mailbox) const {
    return std::any_of(recipients.begin(), recipients.end(),
                       [&mailbox](const AcceptedRecipient& known) { return known.mailbox == mailbox; });
}

std::optional<std::vector<Parameter>> parse_parameters(std::string_view text) {
    std::vector<Parameter> out;
    for (std::string_view rest = trim(text); !rest.empty();) {
        const auto [word, behind] = split_word(rest);
        rest = behind;
        const std::size_t equals = word.find('=');
        Parameter parameter{word.substr(0, equals), std::nullopt};
        if (equals != npos) parameter.value = word.substr(equals + 1);
        if (!is_keyword(parameter.name) || (parameter.value && !is_value(*parameter.value))) return std::nullopt;
        for (const auto& earlier : out)
            if (iequals(earlier.name, parameter.name)) return std::nullopt;
        out.push_back(parameter);
    }
    return out;
}

std::optional<std::string> decode_xtext(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '+') {
            out += text[i];
            continue;
        }
        const std::string_view digits = text.substr(i + 1, 2);
        const auto octet = digits == ascii_upper(digits) ? unhex(digits) : std::nullopt;
        if (!octet || octet->size() != 1) return std::nullopt;
        out += *octet;
        i += 2;
    }
    if (has_control(out)) return std::nullopt;
    return out;
}

void ContentScanner::write(std::string_view content) {
    if (!eight_bit_) eight_bit_ = has_high_bit(content);
    if (at_ != At::body) header(content);
}

void ContentScanner::header(std::string_view content) {
    while (at_ != At::body && !content.empty()) {
        std::size_t used = 1;
        if (at_ == At::value) {
            const std::size_t lf = content.find('\n');
            used = lf == npos ? content.size() : lf + 1;
            if (lf != npos) at_ = At::line_start;
        } else {
            at_ = after(content.front());
        }
        header_size_ += used;
        content.remove_prefix(used);
    }
}

// One octet of a line's beginning, up to the colon.
ContentScanner::At ContentScanner::after(char c) {
    const bool name_character = c > 0x20 && c < 0x7f && c != ':';
    if (at_ == At::line_start) {
        name_.clear();
        if (c == '\r') return At::empty_line;
        if (c == ' ' || c == '\t') return header_size_ == 0 ? At::body : At::value;
    }
    if (name_character && at_ != At::empty_line) {
        if (name_.size() <= received_name.size()) name_ += c;
        return At::name;
    }
    if (c != ':' || at_ != At::name) return At::body;
    if (iequals(name_, received_name)) ++received_;
    return At::value;
}

bool is_header_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == npos || colon == 0) return false;
    const std::string_view name = line.substr(0, colon);
    return std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

} // namespace posada::smtpd
