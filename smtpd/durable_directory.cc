// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/durable_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/fd.h"

namespace posada::smtpd {

Status make_durable_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return errno_error(path);
    const std::string parent = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::fsync(directory.get()) != 0) return errno_error(parent);
    return {};
}

} // namespace posada::smtpd
