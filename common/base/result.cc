// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/result.h"

#include <cstring>

namespace posada {

std::string Error::describe() const {
    if (sys == 0) return text;
    return text + ": " + ::strerrordesc_np(sys);
}

static Errc errc_of(int sys) noexcept {
    switch (sys) {
    case ENOENT:
    case ENOTDIR: return Errc::not_found;
    case EEXIST:
    case ENOTEMPTY: return Errc::exists;
    case EACCES:
    case EPERM:
    case EROFS: return Errc::denied;
    case EAGAIN:
    case EBUSY: return Errc::busy;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: return Errc::limit;
    case ETIMEDOUT: return Errc::timeout;
    case EPIPE:
    case ECONNRESET: return Errc::closed;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH: return Errc::unavailable;
    case ENOSPC:
    case EDQUOT: return Errc::no_space;
    case EINVAL: return Errc::invalid;
    default: return Errc::io;
    }
}

Error errno_error(std::string text, int sys) { return Error{errc_of(sys), sys, std::move(text)}; }

} // namespace posada
