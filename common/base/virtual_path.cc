// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/virtual_path.h"

namespace posada {

namespace {

void step(std::string& path, std::string_view component) {
    if (component.empty() || component == ".") return;
    if (component == "..") {
        path.resize(path.rfind('/'));
        return;
    }
    path.append("/").append(component);
}

void walk(std::string& path, std::string_view components) {
    while (!components.empty()) {
        const std::size_t slash = components.find('/');
        const std::string_view one = components.substr(0, slash);
        if (!path.empty() || one != "..") step(path, one);
        components.remove_prefix(slash == std::string_view::npos ? components.size() : slash + 1);
    }
}

} // namespace

std::optional<std::string> resolve_path(std::string_view cwd, std::string_view typed) {
    if (typed.find('\0') != std::string_view::npos || typed.size() > max_path) return std::nullopt;
    std::string path; // without the slash of the top
    if (typed.empty() || typed.front() != '/') walk(path, cwd);
    walk(path, typed);
    if (path.size() > max_path) return std::nullopt;
    return path.empty() ? "/" : path;
}

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

} // namespace posada
