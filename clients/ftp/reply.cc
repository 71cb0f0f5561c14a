// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/reply.h"

#include "common/base/text.h"

namespace posada::ftp {

std::string_view Reply::text() const {
    const std::string_view last = lines.back();
    return last.size() > 4 ? last.substr(4) : std::string_view{};
}

static std::optional<unsigned> code_of(std::string_view line) {
    if (line.size() < 3) return std::nullopt;
    const auto number = parse_uint(line.substr(0, 3));
    if (!number || *number < 100 || *number > 599) return std::nullopt;
    if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return std::nullopt;
    return static_cast<unsigned>(*number);
}

Result<std::optional<Reply>> ReplyReader::add(std::string_view line) {
    octets_ += line.size();
    if (reply_.lines.size() >= max_reply_lines || octets_ > max_reply_octets)
        return Error{Errc::limit, 0, "the server's reply does not end"};
    const auto code = code_of(line);
    const bool more = line.size() > 3 && line[3] == '-';
    if (!pending() && !code) return Error{Errc::protocol, 0, "the server sent something that is no reply"};
    if (!pending()) reply_.code = *code;
    reply_.lines.emplace_back(line);
    if (more || !code || *code != reply_.code) return std::optional<Reply>{};
    octets_ = 0;
    return std::optional<Reply>(std::exchange(reply_, Reply{}));
}

std::optional<std::uint64_t> announced_size(std::string_view text) {
    const std::size_t end = text.rfind(" bytes)");
    if (end == std::string_view::npos) return std::nullopt;
    const std::size_t begin = text.rfind('(', end);
    if (begin == std::string_view::npos) return std::nullopt;
    return parse_uint(text.substr(begin + 1, end - begin - 1));
}

} // namespace posada::ftp
