// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/addr822.h"

#include <arpa/inet.h>

#include <algorithm>

#include "common/base/text.h"

namespace posada::proto {

namespace {

constexpr std::size_t npos = std::string_view::npos;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_alnum(char c) noexcept { return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); }
bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }
bool is_printable(char c) noexcept {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f;
}
// RFC 5322 3.2.3
bool is_atext(char c) noexcept {
    return is_alnum(c) || (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != npos);
}

bool is_dot_string(std::string_view text) noexcept {
    bool atom_open = false;
    for (const char c : text) {
        if (c == '.' ? !atom_open : !is_atext(c)) return false;
        atom_open = c != '.';
    }
    return atom_open;
}

// What a scanner over one path holds: the text not yet read.
struct Scanner {
    std::string_view in;
    [[nodiscard]] bool at(char c) const { return !in.empty() && in.front() == c; }
    bool skip(char c) {
        if (!at(c)) return false;
        in.remove_prefix(1);
        return true;
    }
    std::string_view take_while(bool (*accept)(char) noexcept) {
        const auto end = std::find_if_not(in.begin(), in.end(), accept);
        const auto size = static_cast<std::size_t>(end - in.begin());
        const std::string_view out = in.substr(0, size);
        in.remove_prefix(size);
        return out;
    }
};

PathFault fault_of(char c) noexcept { return is_ascii(c) ? PathFault::syntax : PathFault::non_ascii; }
PathFault fault_at(const Scanner& at) noexcept { return at.in.empty() ? PathFault::syntax : fault_of(at.in.front()); }

// Behind the opening quote: qtext and quoted-pairs up to the closing quote (RFC 5321 4.1.2).
PathFault quoted_local(Scanner& at, std::string& local) {
    while (!at.in.empty()) {
        char c = at.in.front();
        at.in.remove_prefix(1);
        if (c == '"') return local.empty() ? PathFault::syntax : PathFault::none;
        if (c == '\\') {
            if (at.in.empty()) return PathFault::syntax;
            c = at.in.front();
            at.in.remove_prefix(1);
        }
        if (!is_printable(c)) return fault_of(c);
        local += c;
    }
    return PathFault::syntax;
}

PathFault local_part(Scanner& at, std::string& local) {
    if (at.skip('"')) {
        if (const PathFault fault = quoted_local(at, local); fault != PathFault::none) return fault;
    } else {
        local = at.take_while([](char c) noexcept { return is_atext(c) || c == '.'; });
        if (!at.in.empty() && !is_ascii(at.in.front())) return PathFault::non_ascii;
        if (!is_dot_string(local)) return PathFault::syntax;
    }
    return local.size() > max_local_part ? PathFault::local_too_long : PathFault::none;
}

PathFault domain_part(Scanner& at, std::string& domain) {
    if (at.at('[')) {
        const std::size_t end = at.in.find(']');
        if (end == npos) return PathFault::bad_domain;
        domain = canonical_literal(at.in.substr(0, end + 1));
        at.in.remove_prefix(end + 1);
        return domain.empty() ? PathFault::bad_domain : PathFault::none;
    }
    const std::string_view name =
        at.take_while([](char c) noexcept { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
    if (!at.in.empty() && !is_ascii(at.in.front())) return PathFault::non_ascii;
    if (name.size() > max_domain) return PathFault::domain_too_long;
    if (!is_domain_name(name)) return PathFault::bad_domain;
    domain = ascii_lower(name);
    return PathFault::none;
}

PathFault mailbox(Scanner& at, Mailbox& out) {
    if (const PathFault fault = local_part(at, out.local); fault != PathFault::none) return fault;
    if (!at.skip('@')) return at.in.empty() || at.at('>') || at.at(' ') ? PathFault::no_domain : fault_at(at);
    return domain_part(at, out.domain);
}

// "@one,@two:" in front of the mailbox: RFC 5321 says SHOULD be ignored, and it is.
PathFault source_route_part(Scanner& at) {
    std::string ignored;
    do {
        if (!at.skip('@')) return PathFault::syntax;
        if (const PathFault fault = domain_part(at, ignored); fault != PathFault::none) return fault;
        ignored.clear();
    } while (at.skip(','));
    return at.skip(':') ? PathFault::none : PathFault::syntax;
}

PathFault path_content(Scanner& at, ParsedPath& out) {
    if (at.at('@')) {
        out.notes |= source_route;
        if (const PathFault fault = source_route_part(at); fault != PathFault::none) return fault;
    }
    return mailbox(at, out.mailbox);
}

bool is_postmaster(const ParsedPath& path) {
    return path.fault == PathFault::no_domain && iequals(path.mailbox.local, "postmaster");
}

// Everything of a path but the question whether it may be null or lack a domain.
ParsedPath parse_path(std::string_view text) {
    ParsedPath out;
    Scanner at{text};
    if (!at.take_while([](char c) noexcept { return c == ' ' || c == '\t'; }).empty()) out.notes |= space_after_colon;
    const bool brackets = at.skip('<');
    if (!brackets) out.notes |= no_brackets;
    if (brackets && at.skip('>')) {
        out.rest = trim(at.in);
        out.fault = at.in.empty() || at.at(' ') ? PathFault::none : PathFault::syntax;
        return out;
    }
    out.fault = path_content(at, out);
    if (out.fault != PathFault::none && out.fault != PathFault::no_domain) return out;
    if (brackets && !at.skip('>')) out.fault = fault_at(at);
    if (!at.in.empty() && !at.at(' ')) out.fault = fault_at(at);
    out.rest = trim(at.in);
    return out;
}

void append_quoted(std::string& out, std::string_view local) {
    out += '"';
    for (const char c : local) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

} // namespace

const char* path_fault_text(PathFault fault) noexcept {
    switch (fault) {
    case PathFault::none: return "valid";
    case PathFault::syntax: return "not a mail address";
    case PathFault::no_domain: return "the address needs a domain: user@domain";
    case PathFault::bad_domain: return "not a domain name";
    case PathFault::local_too_long: return "the local part is longer than 64 octets";
    case PathFault::domain_too_long: return "the domain is longer than 255 octets";
    case PathFault::non_ascii: return "the address is not ASCII and SMTPUTF8 is not offered";
    }
    return "not a mail address";
}

std::string Mailbox::text() const {
    if (local.empty()) return {};
    std::string out;
    if (is_dot_string(local)) {
        out = local;
    } else {
        append_quoted(out, local);
    }
    if (!domain.empty()) out.append("@").append(domain);
    return out;
}

ParsedPath parse_reverse_path(std::string_view text) { return parse_path(text); }

ParsedPath parse_forward_path(std::string_view text) {
    ParsedPath out = parse_path(text);
    if (out.fault == PathFault::none && out.mailbox.null()) out.fault = PathFault::syntax;
    if (is_postmaster(out)) {
        out.fault = PathFault::none;
        out.mailbox.local = "Postmaster";
    }
    return out;
}

bool is_domain_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > max_domain) return false;
    bool last_is_number = false;
    while (true) {
        const std::size_t dot = text.find('.');
        const std::string_view label = text.substr(0, dot);
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
        const auto fits = [](char c) { return is_alnum(c) || c == '-' || c == '_'; };
        if (!std::all_of(label.begin(), label.end(), fits)) return false;
        last_is_number = std::all_of(label.begin(), label.end(), is_digit);
        if (dot == npos) return !last_is_number;
        text.remove_prefix(dot + 1);
    }
}

std::string canonical_literal(std::string_view text) {
    if (text.size() < 3 || text.size() > 64 || text.front() != '[' || text.back() != ']') return {};
    std::string inner(text.substr(1, text.size() - 2));
    if (inner.find('\0') != npos) return {};
    const bool ipv6 = istarts_with(inner, "IPv6:");
    if (ipv6) inner.erase(0, 5);
    unsigned char address[16];
    char shown[INET6_ADDRSTRLEN];
    const int family = ipv6 ? AF_INET6 : AF_INET;
    if (inet_pton(family, inner.c_str(), address) != 1) return {};
    if (inet_ntop(family, address, shown, sizeof shown) == nullptr) return {};
    return (ipv6 ? "[IPv6:" : "[") + std::string(shown) + "]";
}

} // namespace posada::proto
