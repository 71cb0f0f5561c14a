// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/shared_table.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/fd.h"

namespace posada {

namespace {

Result<UniqueFd> open_table(const std::string& path) {
    UniqueFd file(path.empty() ? ::memfd_create("posada-table", MFD_CLOEXEC)
                               : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return errno_error("shared table " + path);
    return file;
}

Result<void*> map(const UniqueFd& file, const std::string& path, std::size_t size) {
    if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) return errno_error("size of the shared table " + path);
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) return errno_error("map of the shared table " + path);
    return memory;
}

void initialise(SharedHead& head, std::uint64_t form) {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&head.mutex, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
    head.form = form;
}

// Of another version of the program. Those who have it mapped keep it.
bool is_foreign(const UniqueFd& file, std::uint64_t form) {
    std::uint64_t seen = 0;
    const ssize_t n = ::pread(file.get(), &seen, sizeof seen, 0);
    return n > 0 && (n != sizeof seen || (seen != 0 && seen != form));
}

} // namespace

Result<void*> map_shared(const std::string& path, std::size_t size) {
    auto file = open_table(path);
    if (!file) return file.error();
    return map(*file, path, size);
}

Result<void*> map_table(const std::string& path, std::size_t size, std::uint64_t form) {
    auto file = open_table(path);
    if (!file) return file.error();
    if (::flock(file->get(), LOCK_EX) != 0) return errno_error("lock of the shared table " + path);
    if (is_foreign(*file, form)) {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("replacing the shared table " + path);
        return map_table(path, size, form);
    }
    auto memory = map(*file, path, size);
    if (!memory) return memory.error();
    auto& head = *static_cast<SharedHead*>(*memory);
    if (head.form == 0) initialise(head, form);
    ::flock(file->get(), LOCK_UN); // the mapping keeps the open file, and with it the lock, alive
    return memory;
}

void unmap_table(void* head, std::size_t size) { ::munmap(head, size); }

void lock_table(SharedHead& head) {
    if (::pthread_mutex_lock(&head.mutex) == EOWNERDEAD) ::pthread_mutex_consistent(&head.mutex);
}

void unlock_table(SharedHead& head) { ::pthread_mutex_unlock(&head.mutex); }

} // namespace posada
