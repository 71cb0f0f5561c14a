// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

#include "common/base/fd.h"

namespace posada::store {

namespace {

bool is_regular(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_REG;
    struct stat st {};
    return ::fstatat(directory, entry.d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

template <class Take>
Status each_entry(int directory, std::string_view what, const Take& take) {
    UniqueFd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!own.valid()) return errno_error(std::string(what));
    struct CloseDir {
        void operator()(DIR* d) const noexcept { ::closedir(d); }
    };
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(own.get()));
    if (!dir) return errno_error(std::string(what));
    (void)own.release(); // closedir closes it
    for (errno = 0; const dirent* entry = ::readdir(dir.get()); errno = 0) take(*entry);
    if (errno != 0) return errno_error(std::string(what));
    return {};
}

} // namespace

Status read_directory(int directory, std::string_view what, const std::function<void(std::string_view, bool)>& take) {
    return each_entry(directory, what, [&](const dirent& entry) {
        if (entry.d_name[0] != '.') take(entry.d_name, is_regular(directory, entry));
    });
}

Result<std::vector<std::string>> dot_names(int directory, std::string_view what) {
    std::vector<std::string> out;
    RETURN_IF_ERROR(each_entry(directory, what, [&](const dirent& entry) {
        const std::string_view name = entry.d_name;
        if (name.size() > 1 && name[0] == '.' && name != "..") out.emplace_back(name);
    }));
    return out;
}

} // namespace posada::store
