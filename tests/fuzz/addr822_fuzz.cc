// SPDX-License-Identifier: BSD-2-Clause
// SMTP paths: what parses has bounded parts and prints as text that parses to the same mailbox.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/text.h"
#include "common/proto/addr822.h"

using namespace posada::proto;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const ParsedPath& path) {
    if (path.fault != PathFault::none) return;
    const Mailbox& box = path.mailbox;
    require(box.local.size() <= max_local_part && box.domain.size() <= max_domain);
    require(!posada::has_control(box.local) && !posada::has_control(box.domain));
    require(box.domain.empty() || box.literal() || is_domain_name(box.domain));
    require(!box.literal() || canonical_literal(box.domain) == box.domain);
    if (box.domain.empty()) {
        require(box.null() || box.text() == "Postmaster");
        return;
    }
    const ParsedPath again = parse_forward_path("<" + box.text() + ">");
    require(again.fault == PathFault::none && again.mailbox == box && again.notes == 0 && again.rest.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(parse_reverse_path(text));
    const ParsedPath forward = parse_forward_path(text);
    check(forward);
    require(forward.fault != PathFault::none || !forward.mailbox.null());
    return 0;
}
