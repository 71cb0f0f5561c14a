// SPDX-License-Identifier: BSD-2-Clause
// A table in memory that the processes of a host share: each maps the same file. A reload, a second daemon and inetd
// mode, where every client has a launcher, find what was counted before.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/base/result.h"

namespace posada {

// The file, made 0600, grown to this size, mapped; an empty path: memory of this process alone. The mapping is the
// caller's to unmap. New octets are zero.
Result<void*> map_shared(const std::string& path, std::size_t size);

struct SharedHead {
    std::uint64_t form; // 0 = nobody has been here
    pthread_mutex_t mutex;
};
// form: what is in the table and how large; a file of another form is replaced, and who uses it keeps it.
Result<void*> map_table(const std::string& path, std::size_t size, std::uint64_t form);
void unmap_table(void* head, std::size_t size);
// A process that was killed with the lock does not stop the others.
void lock_table(SharedHead& head);
void unlock_table(SharedHead& head);

template <class Body>
class SharedTable {
    static_assert(std::is_trivially_copyable_v<Body> && std::is_trivially_default_constructible_v<Body>);
    struct Whole {
        SharedHead head;
        Body body;
    };

  public:
    // version: another number for another meaning of the same Body. A new table is zero all over.
    static Result<SharedTable> open(const std::string& path, std::uint32_t version) {
        const auto mapped = map_table(path, sizeof(Whole), std::uint64_t{sizeof(Whole)} << 32U | version);
        if (!mapped) return mapped.error();
        return SharedTable(static_cast<Whole*>(*mapped));
    }
    SharedTable(SharedTable&& other) noexcept : whole_(std::exchange(other.whole_, nullptr)) {}
    SharedTable& operator=(SharedTable&& other) noexcept {
        std::swap(whole_, other.whole_);
        return *this;
    }
    ~SharedTable() {
        if (whole_ != nullptr) unmap_table(whole_, sizeof(Whole));
    }

    // The body, for as long as this lives. Nothing that blocks meanwhile.
    class Locked {
      public:
        explicit Locked(Whole& whole) : whole_(whole) { lock_table(whole.head); }
        ~Locked() { unlock_table(whole_.head); }
        Locked(const Locked&) = delete;
        Locked& operator=(const Locked&) = delete;
        Body* operator->() const { return &whole_.body; }
        Body& operator*() const { return whole_.body; }

      private:
        Whole& whole_;
    };
    [[nodiscard]] Locked lock() const { return Locked(*whole_); }

  private:
    explicit SharedTable(Whole* whole) : whole_(whole) {}
    Whole* whole_;
};

} // namespace posada
