// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/parked_secret.h"

#include <string.h>
#include <sys/mman.h>

namespace posada::auth {

static constexpr std::size_t page_size = 4096;

bool ParkedSecret::park(Secret secret) noexcept {
    clear();
    if (secret.view().size() > page_size) return false;
    void* const page = ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    if (::madvise(page, page_size, MADV_WIPEONFORK) != 0) {
        ::munmap(page, page_size);
        return false;
    }
    ::madvise(page, page_size, MADV_DONTDUMP); // a core file need not have it either
    ::memcpy(page, secret.view().data(), secret.view().size());
    page_ = page;
    size_ = secret.view().size();
    return true;
}

Secret ParkedSecret::take() {
    if (page_ == nullptr) return Secret();
    Secret out(std::string_view(static_cast<const char*>(page_), size_));
    clear();
    return out;
}

void ParkedSecret::clear() noexcept {
    if (page_ == nullptr) return;
    ::explicit_bzero(page_, page_size);
    ::munmap(page_, page_size);
    page_ = nullptr;
    size_ = 0;
}

} // namespace posada::auth
