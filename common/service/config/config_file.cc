// SPDX-License-Identifier: BSD-2-Clause
// Finding and reading the files. Root acts on what they say, so nobody else may be able to write them.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "common/base/fd.h"
#include "common/service/config/config_tree.h"

namespace posada::service {

namespace {

constexpr std::size_t largest_file = 1U << 20;
constexpr std::size_t most_files = 1'000;

// Empty when only root and the user can have written it; else what is wrong and the remedy.
std::string unsafe_because(const struct stat& info, const std::string& name) {
    if (info.st_uid != 0 && info.st_uid != ::geteuid())
        return fmt::format("belongs to uid {}, who could change what this daemon does; run: chown {} {}", info.st_uid,
                           ::geteuid(), name);
    if ((info.st_mode & S_IWOTH) != 0) return fmt::format("can be written by everybody; run: chmod o-w {}", name);
    return {};
}

std::unique_ptr<ConfigFile> read_one(const std::string& name, bool must_exist, ErrorList& errors) {
    UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid()) {
        if (errno != ENOENT || must_exist) errors.add(name, "", errno_error("cannot be opened").describe());
        return nullptr;
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        errors.add(name, "", "is not a regular file");
        return nullptr;
    }
    if (std::string why = unsafe_because(info, name); !why.empty()) {
        errors.add(name, "", std::move(why));
        return nullptr;
    }
    auto text = read_all(fd.get(), largest_file);
    if (!text) {
        errors.add(name, "", text.error().code == Errc::limit ? "is larger than 1M" : text.error().describe());
        return nullptr;
    }
    auto file = std::make_unique<ConfigFile>();
    file->name = name;
    file->text = std::move(text).value();
    return file;
}

std::vector<std::string> drop_ins(const std::string& directory, ErrorList& errors) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), &::closedir);
    if (!dir) {
        if (errno != ENOENT) errors.add(directory, "", errno_error("cannot be opened").describe());
        return names;
    }
    struct stat info {};
    if (::fstat(::dirfd(dir.get()), &info) != 0) return names;
    if (std::string why = unsafe_because(info, directory); !why.empty()) {
        errors.add(directory, "", std::move(why));
        return names;
    }
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name.front() != '.' && name.ends_with(".toml")) names.push_back(directory + "/" + std::string(name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

std::string ConfigSource::drop_in_directory() const {
    const std::size_t slash = file.rfind('/');
    return slash == std::string::npos ? "conf.d" : file.substr(0, slash) + "/conf.d";
}

std::vector<std::unique_ptr<ConfigFile>> read_config_files(const ConfigSource& source, ErrorList& errors) {
    std::vector<std::unique_ptr<ConfigFile>> files;
    std::vector<std::string> names = drop_ins(source.drop_in_directory(), errors);
    if (names.size() > most_files) {
        errors.add(source.drop_in_directory(), "", fmt::format("has more than {} files", most_files));
        names.clear();
    }
    if (auto main = read_one(source.file, source.must_exist, errors)) files.push_back(std::move(main));
    for (const std::string& name : names)
        if (auto file = read_one(name, true, errors)) files.push_back(std::move(file));
    return files;
}

} // namespace posada::service
