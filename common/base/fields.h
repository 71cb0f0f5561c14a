// SPDX-License-Identifier: BSD-2-Clause
// What crosses a process boundary is a struct that names its fields once; how it is written, read, bounded and told
// apart from another version of itself follows from their types:
//     struct FetchRange {
//         std::uint32_t first = 0;
//         std::uint32_t count = 0;
//         FIELDS(first, count)
//     };
// Fields are numbers, bool, enums (with a `constexpr E last_value(E)` beside them), std::string and Secret of up to
// 65,535 octets, std::optional and std::vector of fields, and structs of these.
#pragma once

#include <cstdlib>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/secret.h"

#define FIELDS(...)                                                                                                    \
    auto fields() { return std::tie(__VA_ARGS__); }                                                                    \
    auto fields() const { return std::tie(__VA_ARGS__); }

namespace posada {

struct Nothing {
    FIELDS()
};

namespace wire {

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_text = std::is_same_v<T, std::string> || std::is_same_v<T, Secret>;
template <class T>
using FieldsOf = decltype(std::declval<T&>().fields());

template <class T>
void put(Writer& out, const T& value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
        out.number(static_cast<std::uint64_t>(value), sizeof(T));
    } else if constexpr (std::is_same_v<T, Secret>) {
        out.str(value.view());
    } else if constexpr (is_text<T>) {
        out.str(value);
    } else if constexpr (is_optional<T>) {
        out.boolean(value.has_value());
        if (value) put(out, *value);
    } else if constexpr (is_list<T>) {
        if (value.size() > 0xffff) std::abort(); // no packet has room for them
        out.u16(static_cast<std::uint16_t>(value.size()));
        for (const auto& one : value) put(out, one);
    } else {
        std::apply([&](const auto&... field) { (put(out, field), ...); }, value.fields());
    }
}

template <class T>
void get(Reader& in, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        value = in.boolean();
    } else if constexpr (std::is_integral_v<T>) {
        value = static_cast<T>(in.number(sizeof(T)));
    } else if constexpr (std::is_enum_v<T>) {
        const std::uint64_t number = in.number(sizeof(T));
        if (number > static_cast<std::uint64_t>(last_value(T{}))) return in.fail();
        value = static_cast<T>(number);
    } else if constexpr (is_text<T>) {
        value = T(in.str());
    } else if constexpr (is_optional<T>) {
        if (in.boolean()) get(in, value.emplace());
    } else if constexpr (is_list<T>) {
        for (unsigned left = in.u16(); left != 0 && !in.failed(); --left) get(in, value.emplace_back());
    } else {
        std::apply([&](auto&... field) { (get(in, field), ...); }, value.fields());
    }
}

template <class Tuple>
struct Each;
// Octets that a T always takes; no value: it depends on what is in it.
template <class T>
consteval std::optional<std::size_t> fixed_size() {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
        return sizeof(T);
    else if constexpr (is_text<T> || is_optional<T> || is_list<T>)
        return std::nullopt;
    else
        return Each<FieldsOf<T>>::size();
}
// Two structs whose fields have other types have another number.
template <class T>
consteval std::uint64_t form(std::uint64_t hash) {
    if constexpr (std::is_enum_v<T>)
        return fnv1a("e", hash) * (1 + static_cast<std::uint64_t>(last_value(T{})));
    else if constexpr (std::is_same_v<T, bool>)
        return fnv1a("b", hash);
    else if constexpr (std::is_integral_v<T>)
        return fnv1a("n", hash) * (2 * sizeof(T) + 1);
    else if constexpr (is_text<T>)
        return fnv1a("s", hash);
    else if constexpr (is_optional<T>)
        return form<typename T::value_type>(fnv1a("o", hash));
    else if constexpr (is_list<T>)
        return form<typename T::value_type>(fnv1a("l", hash));
    else
        return fnv1a(")", Each<FieldsOf<T>>::form(fnv1a("(", hash)));
}
template <class... T>
struct Each<std::tuple<T&...>> {
    static consteval std::optional<std::size_t> size() {
        std::optional<std::size_t> sum = 0;
        for (const std::optional<std::size_t> one : {std::optional<std::size_t>(0), fixed_size<T>()...})
            sum = sum && one ? std::optional(*sum + *one) : std::nullopt;
        return sum;
    }
    static consteval std::uint64_t form(std::uint64_t hash) {
        ((hash = wire::form<T>(hash)), ...);
        return hash;
    }
};

} // namespace wire

// room: octets to set aside before, so that a secret lies in one place only.
template <class T>
std::string to_bytes(const T& value, std::size_t room = 0) {
    Writer out(room);
    wire::put(out, value);
    return out.take();
}

// Errc::protocol: malformed, or octets are left over.
template <class T>
Result<T> from_bytes(std::string_view bytes) {
    Reader in(bytes);
    T value;
    wire::get(in, value);
    RETURN_IF_ERROR(in.finish());
    return value;
}

} // namespace posada
