// SPDX-License-Identifier: BSD-2-Clause
// parse_uidlist: any bytes. What is read lies within them, ascends, is printed and read again as the same list.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/store/uidlist_format.h"

using namespace posada::store;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void require_within(std::string_view part, std::string_view whole) {
    require(part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()));
}

std::string print(const UidlistText& list) {
    std::string out;
    append_header(out, list.header);
    for (const UidEntry& entry : list.entries) append_entry(out, entry, true);
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto list = parse_uidlist(text);
    if (!list) return 0;
    std::uint32_t last = 0;
    for (const UidEntry& entry : list->entries) {
        require(entry.uid > last && !entry.base().empty() && entry.base().find('/') == std::string_view::npos);
        last = entry.uid;
        require_within(entry.fields, text);
        require_within(entry.name, text);
        (void)uidlist_field(entry.fields, 'P');
    }
    require(list->header.uidvalidity != 0 && list->header.next_uid > last);
    const std::string printed = print(*list);
    const auto again = parse_uidlist(printed);
    require(again.ok() && !again->damaged && again->entries.size() == list->entries.size());
    require(print(*again) == printed);
    return 0;
}
