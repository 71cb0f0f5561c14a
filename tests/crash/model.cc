// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/model.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>

namespace posada::crash {

namespace {

constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
constexpr std::size_t sector = 512;

// Whose sync makes this effect certain.
ObjectId guardian(const Event& event) {
    const bool data = event.kind == Event::Kind::write || event.kind == Event::Kind::truncate;
    return data ? event.object : event.directory;
}

bool is_effect(const Event& event) {
    return event.kind != Event::Kind::sync && event.kind != Event::Kind::sync_all && event.kind != Event::Kind::mark;
}

void write_at(std::string& content, std::uint64_t offset, std::string_view data) {
    if (content.size() < offset + data.size()) content.resize(offset + data.size(), '\0');
    content.replace(offset, data.size(), data);
}

void apply(Image& image, const Event& event, std::size_t torn_at) {
    switch (event.kind) {
    case Event::Kind::make_directory: image[event.object].directory = true; [[fallthrough]];
    case Event::Kind::create: image[event.directory].entries[event.name] = event.object; break;
    case Event::Kind::erase: image[event.directory].entries.erase(event.name); break;
    case Event::Kind::move: {
        auto& from = image[event.from_directory].entries;
        const auto old = from.find(event.from_name);
        if (old != from.end() && old->second == event.object) from.erase(old);
        image[event.directory].entries[event.name] = event.object;
        break;
    }
    case Event::Kind::write:
        write_at(image[event.object].content, event.offset, std::string_view(event.data).substr(0, torn_at));
        break;
    case Event::Kind::truncate: image[event.object].content.resize(event.offset, '\0'); break;
    case Event::Kind::sync:
    case Event::Kind::sync_all:
    case Event::Kind::mark: break;
    }
}

} // namespace

CrashModel::CrashModel(const Recording& recording)
    : recording_(recording), certain_from_(recording.events.size(), never) {
    for (std::size_t i = 0; i < recording.events.size(); ++i) {
        const Event& sync = recording.events[i];
        const bool all = sync.kind == Event::Kind::sync_all;
        if (!all && sync.kind != Event::Kind::sync) continue;
        for (std::size_t e = 0; e < i; ++e)
            if (certain_from_[e] == never && is_effect(recording.events[e]) &&
                (all || guardian(recording.events[e]) == sync.object))
                certain_from_[e] = i + 1;
    }
}

Image CrashModel::image_at(std::size_t point, Unsynced unsynced, std::mt19937& chance) const {
    Image image = recording_.before;
    for (std::size_t i = 0; i < point; ++i) {
        const Event& event = recording_.events[i];
        if (!is_effect(event)) continue;
        std::size_t torn_at = std::string::npos;
        if (certain_from_[i] > point) {
            if (unsynced == Unsynced::lost) continue;
            if (unsynced == Unsynced::random) {
                const unsigned draw = chance() % 4;
                if (draw < 2) continue;
                if (draw == 2) torn_at = chance() % (event.data.size() / sector + 1) * sector;
            }
        }
        apply(image, event, torn_at);
    }
    return image;
}

std::vector<std::string> CrashModel::marks_at(std::size_t point) const {
    std::vector<std::string> marks;
    for (std::size_t i = 0; i < point; ++i)
        if (recording_.events[i].kind == Event::Kind::mark) marks.push_back(recording_.events[i].name);
    return marks;
}

static void materialize_node(const Image& image, ObjectId id, const std::string& path) {
    const auto found = image.find(id);
    const Node empty;
    const Node& node = found == image.end() ? empty : found->second;
    if (!node.directory) {
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 ||
            ::write(fd, node.content.data(), node.content.size()) != static_cast<ssize_t>(node.content.size()))
            std::abort();
        ::close(fd);
        return;
    }
    if (id != root_object && ::mkdir(path.c_str(), 0700) != 0) std::abort();
    for (const auto& [name, child] : node.entries)
        if (name.size() < 4 || name.compare(name.size() - 4, 4, "-shm") != 0)
            materialize_node(image, child, path + "/" + name);
}

void materialize(const Image& image, const std::string& directory) { materialize_node(image, root_object, directory); }

} // namespace posada::crash
