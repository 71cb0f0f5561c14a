// SPDX-License-Identifier: BSD-2-Clause
// Result<T>: a value or an Error. posada throws no exceptions; every fallible call returns one of these.
// A success allocates nothing. Propagate with:  if (!r) return r.error();   or RETURN_IF_ERROR(call).
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace posada {

// What the caller can do about a failure; the protocol layer maps these to 4xx/5xx, [SYS/TEMP], [AUTH] ...
enum class Errc : std::uint8_t {
    invalid,     // malformed input; repeating it will not help
    not_found,   // the named thing does not exist
    exists,      // it exists already
    denied,      // credentials or permissions refuse it
    busy,        // somebody else holds it now; try again
    in_use,      // another session has the mailbox open
    too_soon,    // right, but not now: a delay is not over, as many as may be there are
    last_try,    // denied, and no further try will be looked at
    limit,       // a configured limit was reached
    timeout,     // a deadline passed
    closed,      // the peer went away
    unavailable, // a needed service is not there; try again
    io,          // the operating system failed; see sys
    no_space,    // disk or quota is full
    corrupt,     // stored data do not parse
    protocol,    // the other side broke the agreed protocol
};

struct Error {
    Errc code = Errc::io;
    int sys = 0;      // errno when the operating system failed, else 0
    std::string text; // for the log and the administrator, never sent to a network peer
    // "text: strerror(sys)" or only text.
    [[nodiscard]] std::string describe() const;
};

// An Error of the current errno; ENOSPC and EDQUOT become no_space, ENOENT not_found, EACCES/EPERM denied, ...
Error errno_error(std::string text, int sys = errno);

template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    explicit operator bool() const noexcept { return state_.index() == 0; }
    [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }
    T& operator*() & { return std::get<0>(state_); }
    const T& operator*() const& { return std::get<0>(state_); }
    T&& operator*() && { return std::get<0>(std::move(state_)); }
    const Error& error() const& { return std::get<1>(state_); }
    Error&& error() && { return std::get<1>(std::move(state_)); }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), failed_(true) {}
    explicit operator bool() const noexcept { return !failed_; }
    [[nodiscard]] bool ok() const noexcept { return !failed_; }
    const Error& error() const& { return error_; }
    Error&& error() && { return std::move(error_); }

  private:
    Error error_;
    bool failed_ = false;
};

using Status = Result<void>;

#define RETURN_IF_ERROR(call)                                                                                          \
    do {                                                                                                               \
        if (auto posada_status = (call); !posada_status) return std::move(posada_status).error();                      \
    } while (false)

} // namespace posada
