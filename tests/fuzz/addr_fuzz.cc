// SPDX-License-Identifier: BSD-2-Clause
// Addresses and networks from text: whatever parses prints as text that parses to the same thing, and the predicates
// of the two agree.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/text.h"
#include "common/io/addr.h"

using namespace posada;
using namespace posada::io;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check_error(const Error& error) {
    require(error.code == Errc::invalid && !error.text.empty() && !has_control(error.text));
}

void check_address(const Address& a) {
    const auto again = Address::parse(a.ip(), a.port());
    require(again.ok() && again->text() == a.text());
    const auto with_port = Address::parse_with_port(a.text());
    require(with_port.ok() && with_port->text() == a.text());
    require(!a.is_loopback() || a.is_private());
    require(a.bytes().size() == (a.is_ipv6() ? 16U : 4U));
    require(a.source_key() == a.ip() || a.is_ipv6());
    require(a.smtp_literal().front() == '[' && a.smtp_literal().back() == ']');
    // Its own key is a network (or host) that holds it.
    const auto own = Network::parse(a.source_key());
    require(own.ok() && own->contains(a));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto a = Address::parse(text, 25);
    if (a)
        check_address(*a);
    else
        check_error(a.error());
    const auto p = Address::parse_with_port(text);
    if (p)
        check_address(*p);
    else
        check_error(p.error());
    const auto n = Network::parse(text);
    if (!n) {
        check_error(n.error());
        return 0;
    }
    const auto again = Network::parse(n->text());
    require(again.ok() && again->text() == n->text());
    const auto first = Address::parse(n->text().substr(0, n->text().find('/')), 0);
    require(first.ok());
    // A mapped network shorter than /96 stays IPv6, and no address can be inside: addresses are IPv4 by then.
    require(n->contains(*first) || !first->is_ipv6());
    return 0;
}
