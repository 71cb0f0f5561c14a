// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/request.h"

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/hash.h"

namespace posada::priv {

static Error breach(std::string_view name, std::string_view rule) {
    return Error{Errc::protocol, 0, std::string(name).append(": ").append(rule)};
}

static auto find_row(std::span<const RequestInfo> table, std::uint16_t type) {
    return std::find_if(table.begin(), table.end(), [&](const RequestInfo& info) { return info.type == type; });
}

Status RequestGate::admit(const Message& message) {
    const auto row = find_row(table_, message.type);
    if (row == table_.end()) return breach(std::to_string(message.type), "unknown request");
    const auto index = static_cast<std::size_t>(row - table_.begin());
    if ((row->phases & phase_) == 0) return breach(row->name, "not allowed in this phase");
    if (row->once && used_[index]) return breach(row->name, "allowed once");
    if (message.payload.size() > row->max_bytes) return breach(row->name, "too large");
    if (message.fds.size() != row->fds_in) return breach(row->name, "wrong number of descriptors");
    used_[index] = true;
    return {};
}

void RequestGate::answered(std::uint16_t request_type, std::string_view payload) {
    const auto row = find_row(table_, request_type);
    if (row != table_.end() && row->then != 0 && decode_answer(payload)) phase_ = row->then;
}

std::uint64_t table_hash(std::span<const RequestInfo> table) {
    Writer w;
    for (const RequestInfo& row : table) {
        w.u16(row.type);
        w.str(row.name);
        w.u8(row.phases);
        w.boolean(row.once);
        w.u32(row.max_bytes);
        w.u8(row.fds_in);
        w.u8(row.fds_out);
        w.u8(row.then);
        w.u64(row.form);
    }
    return fnv1a(w.bytes());
}

unsigned max_request_fds(std::span<const RequestInfo> table) {
    unsigned most = 0;
    for (const RequestInfo& row : table) most = std::max<unsigned>(most, row.fds_in);
    return most;
}

} // namespace posada::priv
