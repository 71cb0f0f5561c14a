// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/class_sessions.h"

namespace posada::ftpd {

namespace {

constexpr std::uint32_t no_limit = 1'000'000;

bool is_counted(const ClientClass& one) { return one.max_sessions != 0 || one.max_sessions_per_user != 0; }

service::LimitConfig limits_of(const ClientClass& one) {
    service::LimitConfig out;
    out.total = no_limit;
    out.per_service = one.max_sessions == 0 ? no_limit : one.max_sessions;
    out.per_source = one.max_sessions_per_user == 0 ? no_limit : one.max_sessions_per_user;
    return out;
}

} // namespace

Result<ClassSessions> ClassSessions::open(const std::string& path, const std::vector<ClientClass>& classes) {
    ClassSessions out;
    for (const ClientClass& one : classes) {
        if (!is_counted(one)) continue;
        auto limits = service::Limits::open(path, one.name, limits_of(one));
        if (!limits) return limits.error();
        out.limits_.emplace(one.name, std::move(*limits));
    }
    return out;
}

Result<ClassSessions::Place> ClassSessions::enter(const ClientClass& its_class, std::string_view account, Instant now) {
    const auto found = limits_.find(its_class.name);
    if (found == limits_.end()) return Place();
    const auto admission = found->second.admit(its_class.name + "/" + std::string(account), now);
    if (admission.refused)
        return Error{Errc::too_soon, 0, "class " + its_class.name + ": " + service::refused_name(*admission.refused)};
    return Place(found->second, admission.slot);
}

} // namespace posada::ftpd
