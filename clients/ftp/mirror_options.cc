// SPDX-License-Identifier: BSD-2-Clause
// What is typed behind `mirror`.
#include <getopt.h>

#include "clients/ftp/local_file.h"
#include "clients/ftp/mirror.h"
#include "common/base/text.h"

namespace posada::ftp {

static Error wrong(const std::string& what) { return Error{Errc::invalid, 0, "mirror: " + what}; }

static Status take_connections(MirrorOrder& order, const std::string& text) {
    const auto number = parse_uint(text);
    if (!number || *number == 0 || *number > max_connections)
        return wrong("-P takes a number from 1 to " + std::to_string(max_connections));
    order.connections = static_cast<unsigned>(*number);
    return {};
}

static Status take_option(MirrorOrder& order, int letter) {
    switch (letter) {
    case 'R': order.reverse = true; return {};
    case 'P': return take_connections(order, ::optarg);
    case 'c': order.resume = true; return {};
    case 'd': order.rules.remove = true; return {};
    case 'n': order.rules.only_newer = true; return {};
    case 'x': order.rules.exclude.emplace_back(::optarg); return {};
    case 'y': order.dry_run = true; return {};
    default: return wrong("there is no such option, or a value is missing; `help mirror`");
    }
}

static Status take_options(MirrorOrder& order, const Words& words, std::size_t& first) {
    const option specs[] = {{"reverse", 0, nullptr, 'R'},    {"parallel", 1, nullptr, 'P'},
                            {"continue", 0, nullptr, 'c'},   {"delete", 0, nullptr, 'd'},
                            {"only-newer", 0, nullptr, 'n'}, {"exclude", 1, nullptr, 'x'},
                            {"dry-run", 0, nullptr, 'y'},    {nullptr, 0, nullptr, 0}};
    Words copy = words;
    std::vector<char*> arguments;
    for (std::string& word : copy) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int count = static_cast<int>(words.size());
    ::optind = 0; // anew, wherever the last command line ended
    ::opterr = 0;
    for (int letter = 0; (letter = ::getopt_long(count, arguments.data(), "+RP:cnx:", specs, nullptr)) != -1;)
        RETURN_IF_ERROR(take_option(order, letter));
    first = static_cast<std::size_t>(::optind);
    return {};
}

static std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path == "." ? "" : path;
}

// The directory that is named only once has the same name on the other side; the present one is the present one.
static Status take_places(MirrorOrder& order, const Words& places) {
    if (places.size() > 2) return wrong("one source and one target");
    const std::string source = without_slashes(places.empty() ? "" : places[0]);
    const std::string target = places.size() > 1 ? without_slashes(places[1]) : safe_local_name(source);
    if (places.size() < 2 && !source.empty() && target.empty()) return wrong("where to? a second directory is needed");
    order.remote = order.reverse ? target : source;
    order.local = order.reverse ? source : target;
    if (order.local.empty()) order.local = ".";
    return {};
}

Result<MirrorOrder> parse_mirror(const Words& words) {
    MirrorOrder order;
    std::size_t first = 0;
    RETURN_IF_ERROR(take_options(order, words, first));
    RETURN_IF_ERROR(take_places(order, Words(words.begin() + static_cast<std::ptrdiff_t>(first), words.end())));
    return order;
}

} // namespace posada::ftp
