// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/body.h"

#include <sys/mman.h>

#include <algorithm>

#include "smtpd/queue_protocol.h"

namespace posada::smtpd {

namespace {
constexpr std::size_t gather = 16 * 1024;
}

bool MemoryBudget::take(std::uint64_t octets) {
    if (!has_room(octets)) return false;
    used_ += octets;
    return true;
}

Status Body::write(std::string_view text) {
    if (!budget_.take(text.size())) return Error{Errc::no_space, 0, "spool_memory is used up"};
    size_ += text.size();
    if (buffer_.size() + text.size() <= gather) {
        buffer_ += text;
        return {};
    }
    RETURN_IF_ERROR(flush());
    return append(text);
}

Status Body::flush() {
    const Status written = append(buffer_);
    buffer_.clear();
    return written;
}

Status Body::append(std::string_view text) {
    while (!text.empty()) {
        if (parts_.empty() || part_size_ == max_memfd) {
            UniqueFd part(::memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
            if (!part.valid()) return errno_error("memfd_create");
            parts_.push_back(std::move(part));
            part_size_ = 0;
        }
        const std::string_view piece = text.substr(0, std::min<std::uint64_t>(text.size(), max_memfd - part_size_));
        RETURN_IF_ERROR(write_all(parts_.back().get(), piece));
        part_size_ += piece.size();
        text.remove_prefix(piece.size());
    }
    return {};
}

Result<std::vector<UniqueFd>> Body::finish() {
    RETURN_IF_ERROR(flush());
    if (parts_.empty()) return Error{Errc::invalid, 0, "an empty message"};
    return std::move(parts_);
}

void Body::drop() {
    budget_.give_back(size_);
    size_ = 0;
    part_size_ = 0;
    buffer_.clear();
    parts_.clear();
}

} // namespace posada::smtpd
