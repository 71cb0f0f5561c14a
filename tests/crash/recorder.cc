// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/recorder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

namespace posada::crash {

namespace {

struct Fault {
    unsigned long at = 0;
    unsigned long seen = 0;
    int error = 0;
    bool happened = false;
};
Fault fault;

int next_fault(bool counts) noexcept {
    if (!counts || fault.at == 0 || ++fault.seen != fault.at) return 0;
    fault.happened = true;
    return fault.error;
}

struct State {
    Recording out;
    std::map<ino_t, ObjectId> by_inode;
    ObjectId last = root_object;
};
std::unique_ptr<State> state;

std::optional<struct stat> stat_at(int directory_fd, const char* path, int flags) {
    struct stat st {};
    if (::fstatat(directory_fd, path, &st, flags) != 0) return std::nullopt;
    return st;
}

std::optional<ObjectId> object_of(const std::optional<struct stat>& st) {
    if (!st) return std::nullopt;
    const auto found = state->by_inode.find(st->st_ino);
    return found == state->by_inode.end() ? std::nullopt : std::optional(found->second);
}

std::optional<ObjectId> object_of_fd(int fd) { return object_of(stat_at(fd, "", AT_EMPTY_PATH)); }

struct Place {
    ObjectId directory;
    std::string name;
};

// Where a path is, if that is below the root.
std::optional<Place> place_of(int directory_fd, const char* path) {
    const std::string text(path);
    const std::size_t slash = text.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : text.substr(0, slash == 0 ? 1 : slash);
    const auto directory = object_of(stat_at(directory_fd, parent.c_str(), 0));
    if (!directory) return std::nullopt;
    return Place{*directory, slash == std::string::npos ? text : text.substr(slash + 1)};
}

void add(Event event) { state->out.events.push_back(std::move(event)); }

std::string read_content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

class Scanner {
  public:
    Scanner(Image& image, std::map<ObjectId, std::string>* paths, std::map<ino_t, ObjectId>* inodes)
        : image_(image), paths_(paths), inodes_(inodes) {}
    ObjectId scan(const std::string& path, const std::string& below) {
        const ObjectId id = next_++;
        struct stat st {};
        if (::lstat(path.c_str(), &st) != 0) std::abort();
        if (inodes_ != nullptr) (*inodes_)[st.st_ino] = id;
        if (paths_ != nullptr) (*paths_)[id] = below;
        Node node;
        node.directory = S_ISDIR(st.st_mode);
        if (node.directory) {
            for (const std::string& name : names(path))
                node.entries[name] = scan(path + "/" + name, below.empty() ? name : below + "/" + name);
        } else {
            node.content = read_content(path);
        }
        image_[id] = std::move(node);
        return id;
    }
    [[nodiscard]] ObjectId last() const { return next_ - 1; }

  private:
    static std::vector<std::string> names(const std::string& path) {
        std::vector<std::string> out;
        DIR* dir = ::opendir(path.c_str());
        if (dir == nullptr) std::abort();
        while (const dirent* entry = ::readdir(dir)) {
            const std::string name = entry->d_name;
            if (name != "." && name != "..") out.push_back(name);
        }
        ::closedir(dir);
        return out;
    }
    Image& image_;
    std::map<ObjectId, std::string>* paths_;
    std::map<ino_t, ObjectId>* inodes_;
    ObjectId next_ = root_object;
};

} // namespace

bool recording() noexcept { return state != nullptr; }

void plan_fault(unsigned long at, int error) { fault = {at, 0, error, false}; }
bool fault_happened() noexcept { return fault.happened; }
static bool full = false;
void fill_disk(bool is_full) { full = is_full; }
bool disk_full(int fd) noexcept { return full && recording() && object_of_fd(fd).has_value(); }
bool disk_full(int directory_fd, const char* path) noexcept {
    return full && recording() && place_of(directory_fd, path).has_value();
}
int fault_of(int fd) noexcept { return next_fault(fault.at != 0 && recording() && object_of_fd(fd).has_value()); }
int fault_of(int directory_fd, const char* path) noexcept {
    return next_fault(fault.at != 0 && recording() && place_of(directory_fd, path).has_value());
}

Image read_image(const std::string& root, std::map<ObjectId, std::string>* paths) {
    Image image;
    Scanner(image, paths, nullptr).scan(root, "");
    return image;
}

void start_recording(const std::string& root) {
    auto fresh = std::make_unique<State>();
    Scanner scanner(fresh->out.before, &fresh->out.paths, &fresh->by_inode);
    scanner.scan(root, "");
    fresh->last = scanner.last();
    state = std::move(fresh);
}

Recording stop_recording() {
    Recording out = std::move(state->out);
    state.reset();
    return out;
}

void record_mark(std::string_view text) {
    if (!recording()) return;
    Event event{Event::Kind::mark};
    event.name = text;
    add(std::move(event));
}

void saw_create(int directory_fd, const char* path, bool is_directory) {
    const auto place = place_of(directory_fd, path);
    const auto st = stat_at(directory_fd, path, AT_SYMLINK_NOFOLLOW);
    if (!place || !st) return;
    Event event{is_directory ? Event::Kind::make_directory : Event::Kind::create};
    event.object = ++state->last;
    event.directory = place->directory;
    event.name = place->name;
    state->by_inode[st->st_ino] = event.object; // the inode number of a removed file may come back
    const std::string& above = state->out.paths[place->directory];
    state->out.paths[event.object] = above.empty() ? place->name : above + "/" + place->name;
    add(std::move(event));
}

void saw_erase(int directory_fd, const char* path) {
    const auto place = place_of(directory_fd, path);
    if (!place) return;
    Event event{Event::Kind::erase};
    event.directory = place->directory;
    event.name = place->name;
    add(std::move(event));
}

void saw_rename(int from_fd, const char* from, int to_fd, const char* to) {
    const auto source = place_of(from_fd, from);
    const auto target = place_of(to_fd, to);
    const auto object = object_of(stat_at(to_fd, to, AT_SYMLINK_NOFOLLOW));
    if (!source || !target || !object) return;
    Event event{Event::Kind::move};
    event.object = *object;
    event.directory = target->directory;
    event.name = target->name;
    event.from_directory = source->directory;
    event.from_name = source->name;
    add(std::move(event));
}

void saw_write(int fd, std::uint64_t offset, std::string_view data) {
    const auto object = object_of_fd(fd);
    if (!object) return;
    Event event{Event::Kind::write};
    event.object = *object;
    event.offset = offset;
    event.data = data;
    add(std::move(event));
}

void saw_truncate(int fd, std::uint64_t size) {
    const auto object = object_of_fd(fd);
    if (!object) return;
    Event event{Event::Kind::truncate};
    event.object = *object;
    event.offset = size;
    add(std::move(event));
}

void saw_sync(int fd) {
    const auto object = object_of_fd(fd);
    if (!object) return;
    Event event{Event::Kind::sync};
    event.object = *object;
    add(std::move(event));
}

void saw_sync_all(int fd) {
    if (!object_of_fd(fd)) return;
    add(Event{Event::Kind::sync_all});
}

} // namespace posada::crash
