// SPDX-License-Identifier: BSD-2-Clause
// A request is a struct: its fields, its row, what it is answered with. Both sides of a channel are typed by it.
//     struct Fetch {
//         std::uint32_t first = 0;
//         FIELDS(first)
//         using Answer = Sizes;
//         static constexpr priv::RequestInfo row{.type = 6, .name = "fetch", .fds_out = 32, .meaning = "..."};
//     };
// Requests<Fetch, ...> is a table of them. Its rows go to the gate; dispatch() calls the answering object's
// on(const Fetch&), and a request without a handler does not compile.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "common/base/fields.h"
#include "common/priv/request.h"

namespace posada::priv {

// Below are the rows of common/service, from here on a daemon's own.
constexpr std::uint16_t first_daemon_request = 64;

template <class R>
constexpr RequestInfo complete_row() {
    RequestInfo row = R::row;
    if (row.type % 2 != 0) throw "a request's type is even: its answer is the next number";
    const auto fixed = wire::fixed_size<R>();
    if (fixed.has_value() != (row.max_bytes == 0)) throw "max_bytes is for requests that vary, and only for them";
    if (fixed) row.max_bytes = static_cast<std::uint32_t>(*fixed);
    row.form = wire::form<typename R::Answer>(wire::form<R>(fnv1a_start));
    return row;
}
template <class R>
inline constexpr RequestInfo row_of = complete_row<R>();

// An answer that brings more than its fields. A handler may return it in place of its Answer.
template <class T>
struct Answered {
    T body{};
    std::vector<UniqueFd> fds{};
    std::function<void()> afterwards{}; // done when it was sent
};
// Returned by a handler that answers in its own time; an error in its place is a breach.
struct Later {};

// An answer on its way out.
struct Answer {
    std::string payload;
    std::vector<UniqueFd> fds{};
    std::function<void()> afterwards{};
};

template <class T>
std::string answer_payload(const Result<T>& answer) {
    return answer ? encode_ok(to_bytes(*answer)) : encode_failure(answer.error());
}
inline std::string answer_payload(const Status& answer) {
    return answer ? encode_ok() : encode_failure(answer.error());
}

// Whatever a handler may return for the Answer T.
template <class T>
Answer to_answer(const Result<T>& answer) {
    return {answer_payload(answer)};
}
template <class T>
Answer to_answer(Result<Answered<T>>&& answer) {
    if (!answer) return {encode_failure(answer.error())};
    return {encode_ok(to_bytes(answer->body)), std::move(answer->fds), std::move(answer->afterwards)};
}
template <std::same_as<Nothing> T>
Answer to_answer(const Status& answer) {
    return {answer_payload(answer)};
}

// The request as it goes out. Errc::denied: larger than its row permits, so that the other side would not even refuse.
template <class R>
Result<std::string> encode_request(const R& request) {
    constexpr std::size_t secrets_are_short = 4096;
    std::string payload = to_bytes(request, std::min<std::size_t>(row_of<R>.max_bytes, secrets_are_short));
    if (payload.size() <= row_of<R>.max_bytes) return payload;
    wipe(payload);
    return Error{Errc::denied, 0, std::string(row_of<R>.name) + ": longer than the request may be"};
}

// The one answer to a request; for blocking users: agents, tools, tests.
template <class R>
Result<Answered<typename R::Answer>> ask(Channel& channel, std::uint64_t session, const R& request,
                                         std::span<const int> fds = {}) {
    const auto payload = encode_request(request);
    if (!payload) return payload.error();
    auto message = channel.call(R::row.type, session, *payload, fds, R::row.fds_out);
    if (!message) return message.error();
    const auto body = decode_answer(message->payload);
    if (!body) return body.error();
    auto answer = from_bytes<typename R::Answer>(*body);
    if (!answer) return answer.error();
    return Answered<typename R::Answer>{std::move(*answer), std::move(message->fds)};
}

using Handled = Result<std::optional<Answer>>; // nothing: it comes later; an error: a breach

template <class R, class Object>
Handled handle_as(Object& object, Message& message) {
    auto request = from_bytes<R>(message.payload);
    wipe(message.payload); // it may be a password, and the handler may fork
    if (!request) return Error{Errc::protocol, 0, std::string(R::row.name) + ": " + request.error().text};
    auto result = [&] {
        if constexpr (requires { object.on(std::move(*request), message); })
            return object.on(std::move(*request), message);
        else
            return object.on(std::move(*request));
    }();
    if constexpr (std::is_same_v<decltype(result), Result<Later>>) {
        if (!result) return Error{Errc::protocol, 0, std::string(R::row.name) + ": " + result.error().text};
        return std::optional<Answer>();
    } else {
        return std::optional<Answer>(to_answer<typename R::Answer>(std::move(result)));
    }
}

template <class... R>
struct Requests {
    static constexpr std::array<RequestInfo, sizeof...(R)> checked_rows() {
        const std::array<RequestInfo, sizeof...(R)> all{row_of<R>...};
        for (std::size_t i = 0; i < all.size(); ++i)
            for (std::size_t j = 0; j < i; ++j)
                if (all[i].type == all[j].type) throw "two rows of one type";
        return all;
    }
    static constexpr std::array<RequestInfo, sizeof...(R)> rows = checked_rows();

    template <class... More>
    using with = Requests<R..., More...>;

    [[nodiscard]] static bool has(std::uint16_t type) { return ((type == R::row.type) || ...); }
    // on(request) or on(request, message) of the object, for an admitted message.
    template <class Object>
    static Handled dispatch(Object& object, Message& message) {
        Handled out = Error{Errc::protocol, 0, std::to_string(message.type) + ": unknown request"};
        (void)((message.type == R::row.type ? (out = handle_as<R>(object, message), true) : false) || ...);
        return out;
    }
};

} // namespace posada::priv
