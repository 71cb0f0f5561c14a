// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/mirror_plan.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>

namespace posada::ftp {

namespace {

using Names = std::map<std::string, const Entry*, std::less<>>;

bool is_excluded(const std::string& name, const MirrorRules& rules) {
    return std::any_of(rules.exclude.begin(), rules.exclude.end(),
                       [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
}

Names names_of(const Listing& listing, const MirrorRules& rules) {
    Names out;
    for (const Entry& entry : listing.entries)
        if (!is_excluded(entry.name, rules)) out.emplace(entry.name, &entry);
    return out;
}

// By size and time. A time that is not exact says nothing.
bool is_same(const Entry& source, const Entry& target, const MirrorRules& rules) {
    const bool times = source.modified && target.modified && source.exact && target.exact;
    const bool newer = times && *source.modified > *target.modified;
    if (times && rules.only_newer) return !newer;
    return source.size && source.size == target.size && !newer;
}

void plan_entry(const Entry& source, const Entry* target, const MirrorRules& rules, bool may_remove, Plan& plan) {
    if (source.kind != Kind::file && source.kind != Kind::directory) return plan.left_out.push_back(source);
    if (target != nullptr && target->kind != source.kind) {
        if (!may_remove) return plan.in_the_way.push_back(*target);
        plan.remove.push_back(*target);
        target = nullptr;
    }
    if (source.kind == Kind::directory) return plan.enter.push_back({source, target == nullptr});
    if (target != nullptr && is_same(source, *target, rules)) {
        ++plan.same;
        return;
    }
    plan.move.push_back({source, target == nullptr ? std::nullopt : std::optional<Entry>(*target)});
}

// The beginning of a file that is about to come. They are sorted.
bool is_part_of_some(std::string_view name, const std::vector<Plan::File>& files) {
    constexpr std::string_view ending = ".part";
    const auto before = [](const Plan::File& file, std::string_view wanted) { return file.source.name < wanted; };
    while (name.ends_with(ending)) {
        name.remove_suffix(ending.size());
        const auto found = std::lower_bound(files.begin(), files.end(), name, before);
        if (found != files.end() && found->source.name == name) return true;
    }
    return false;
}

} // namespace

Plan plan_folder(const Listing& source, const Listing& target, const MirrorRules& rules) {
    Plan plan;
    const Names sources = names_of(source, rules);
    const Names targets = names_of(target, rules);
    const bool may_remove = rules.remove && source.refused.empty();
    for (const auto& [name, entry] : sources) {
        const auto found = targets.find(name);
        plan_entry(*entry, found == targets.end() ? nullptr : found->second, rules, may_remove, plan);
    }
    if (!may_remove) return plan;
    for (const auto& [name, entry] : targets)
        if (sources.count(name) == 0 && !is_part_of_some(name, plan.move)) plan.remove.push_back(*entry);
    return plan;
}

} // namespace posada::ftp
