// SPDX-License-Identifier: BSD-2-Clause
// The schema of a configuration section: one table of rows feeds the parser, the dump that travels to the net
// process, `posada config`, the man page and the example file. A row binds a key to a member of the section's struct;
// the default is the member's initialiser, so that a default-constructed struct is always the documented default.
//
//     const OptionRow rows[] = {
//         duration<&Pop3Options::idle_timeout>("idle_timeout", Seconds(10), Seconds(86'400), "Silence after ..."),
//     };
//     const Schema schema{rows};
//
// Encoding and decoding need no TOML parser: net programs link this file and not config_toml.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/base/units.h"
#include "common/io/addr.h"

namespace posada::service {

enum class OptionType : std::uint8_t {
    boolean,
    integer,
    duration, // "30s", "5m", "1h30m", "2d"; Millis
    size,     // "64K", "25M", "1G" (powers of 1024); std::uint64_t octets
    text,
    path,         // absolute
    choice,       // one of the row's words; an enum class whose enumerators count from 0 in the words' order
    text_list,    // with words in the row: only these
    network_list, // "10.0.0.0/8", "::1"
    address_list, // numeric IP addresses to bind, "*" = all; std::vector<std::string>
    duration_list,
    range,  // [first, last]
    group,  // a table inside the table
    tables, // an array of tables
};

struct NumberRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

// What a member holds between parsing and storing: numbers (also milliseconds, octets, the index of a choice), text,
// or a list of either. A value handed to OptionRow::set has been checked against the row.
using OptionValue =
    std::variant<bool, std::uint64_t, std::string, std::vector<std::string>, std::vector<std::uint64_t>>;

struct Schema;

struct OptionRow {
    std::string_view key;
    OptionType type = OptionType::text;
    std::uint64_t min = 0; // integer, duration (ms), size; for lists the number of elements
    std::uint64_t max = 0;
    std::span<const std::string_view> words;
    std::string_view doc;
    OptionValue (*get)(const void* options) = nullptr;
    void (*set)(void* options, const OptionValue& value) = nullptr;
    const Schema* inner = nullptr; // group, tables
    std::size_t (*count)(const void* options) = nullptr;
    void* (*element)(void* options, std::size_t index) = nullptr; // index == count appends; a group has one element
    void (*clear)(void* options) = nullptr;
    bool required = false; // in a table of an array: the key must be written
};

struct Schema {
    std::span<const OptionRow> rows;
};

constexpr OptionRow required(OptionRow row) {
    row.required = true;
    return row;
}

// The canonical binary form. Decoding checks every value against its row again: both ends need not trust each other.
void encode_options(const Schema& schema, const void* options, Writer& out);
Status decode_options(const Schema& schema, Reader& in, void* options);
// Of keys, types and order; a dump starts with it, so that two versions never misread each other.
std::uint64_t schema_hash(const Schema& schema);

// A value as it is written in TOML: true, 5, "10m", "25M", ["users", "pam"].
std::string to_toml(const OptionRow& row, const OptionValue& value);
// "duration, 10s to 1d", "one of: enforce, log, off"
std::string describe_type(const OptionRow& row);
// Checks length, range, words and syntax of a value that has the right variant alternative; the error's text is the
// rest of a sentence that starts with the key.
Status check_value(const OptionRow& row, const OptionValue& value);

// ---- how rows are made -------------------------------------------------------------------------------------------

namespace detail {

template <class M>
struct MemberOf;
template <class S, class T>
struct MemberOf<T S::*> {
    using Owner = S;
    using Type = T;
};
template <auto M>
using OwnerOf = typename MemberOf<decltype(M)>::Owner;
template <auto M>
using TypeOf = typename MemberOf<decltype(M)>::Type;

template <auto M>
const TypeOf<M>& member(const void* options) {
    return static_cast<const OwnerOf<M>*>(options)->*M;
}
template <auto M>
TypeOf<M>& member(void* options) {
    return static_cast<OwnerOf<M>*>(options)->*M;
}

std::vector<std::string> network_texts(const std::vector<io::Network>& networks);
std::vector<io::Network> networks_of(const std::vector<std::string>& texts);
std::vector<std::uint64_t> millis_counts(const std::vector<Millis>& values);
std::vector<Millis> millis_of(const std::vector<std::uint64_t>& counts);

constexpr OptionRow row(std::string_view key, OptionType type, std::string_view doc) {
    OptionRow out;
    out.key = key;
    out.type = type;
    out.doc = doc;
    return out;
}

template <auto M>
constexpr OptionRow plain(std::string_view key, OptionType type, std::string_view doc) {
    OptionRow out = row(key, type, doc);
    out.get = [](const void* options) -> OptionValue { return member<M>(options); };
    out.set = [](void* options, const OptionValue& value) { member<M>(options) = std::get<TypeOf<M>>(value); };
    return out;
}

// Any unsigned integer or enum.
template <auto M>
constexpr OptionRow numeric(std::string_view key, OptionType type, std::string_view doc) {
    OptionRow out = row(key, type, doc);
    out.get = [](const void* options) -> OptionValue { return static_cast<std::uint64_t>(member<M>(options)); };
    out.set = [](void* options, const OptionValue& value) {
        member<M>(options) = static_cast<TypeOf<M>>(std::get<std::uint64_t>(value));
    };
    return out;
}

} // namespace detail

template <auto M>
constexpr OptionRow boolean(std::string_view key, std::string_view doc) {
    static_assert(std::is_same_v<detail::TypeOf<M>, bool>);
    return detail::plain<M>(key, OptionType::boolean, doc);
}

template <auto M>
constexpr OptionRow integer(std::string_view key, std::uint64_t min, std::uint64_t max, std::string_view doc) {
    static_assert(std::is_unsigned_v<detail::TypeOf<M>> && !std::is_same_v<detail::TypeOf<M>, bool>);
    OptionRow out = detail::numeric<M>(key, OptionType::integer, doc);
    out.min = min;
    out.max = max;
    return out;
}

template <auto M>
constexpr OptionRow size(std::string_view key, std::uint64_t min, std::uint64_t max, std::string_view doc) {
    OptionRow out = integer<M>(key, min, max, doc);
    out.type = OptionType::size;
    return out;
}

template <auto M>
constexpr OptionRow duration(std::string_view key, Millis min, Millis max, std::string_view doc) {
    static_assert(std::is_same_v<detail::TypeOf<M>, Millis>);
    OptionRow out = detail::row(key, OptionType::duration, doc);
    out.min = static_cast<std::uint64_t>(min.count());
    out.max = static_cast<std::uint64_t>(max.count());
    out.get = [](const void* options) -> OptionValue {
        return static_cast<std::uint64_t>(detail::member<M>(options).count());
    };
    out.set = [](void* options, const OptionValue& value) {
        detail::member<M>(options) = Millis(static_cast<std::int64_t>(std::get<std::uint64_t>(value)));
    };
    return out;
}

template <auto M>
constexpr OptionRow text(std::string_view key, std::string_view doc) {
    static_assert(std::is_same_v<detail::TypeOf<M>, std::string>);
    return detail::plain<M>(key, OptionType::text, doc);
}

template <auto M>
constexpr OptionRow path(std::string_view key, std::string_view doc) {
    static_assert(std::is_same_v<detail::TypeOf<M>, std::string>);
    return detail::plain<M>(key, OptionType::path, doc);
}

template <auto M>
constexpr OptionRow choice(std::string_view key, std::span<const std::string_view> words, std::string_view doc) {
    static_assert(std::is_enum_v<detail::TypeOf<M>>);
    OptionRow out = detail::numeric<M>(key, OptionType::choice, doc);
    out.words = words;
    return out;
}

template <auto M>
constexpr OptionRow text_list(std::string_view key, std::string_view doc,
                              std::span<const std::string_view> words = {}) {
    OptionRow out = detail::plain<M>(key, OptionType::text_list, doc);
    out.words = words;
    out.max = 10'000;
    return out;
}

template <auto M>
constexpr OptionRow address_list(std::string_view key, std::string_view doc) {
    OptionRow out = detail::plain<M>(key, OptionType::address_list, doc);
    out.min = 1;
    out.max = 100;
    return out;
}

template <auto M>
constexpr OptionRow network_list(std::string_view key, std::string_view doc) {
    static_assert(std::is_same_v<detail::TypeOf<M>, std::vector<io::Network>>);
    OptionRow out = detail::row(key, OptionType::network_list, doc);
    out.max = 10'000;
    out.get = [](const void* options) -> OptionValue { return detail::network_texts(detail::member<M>(options)); };
    out.set = [](void* options, const OptionValue& value) {
        detail::member<M>(options) = detail::networks_of(std::get<std::vector<std::string>>(value));
    };
    return out;
}

template <auto M>
constexpr OptionRow duration_list(std::string_view key, std::string_view doc) {
    static_assert(std::is_same_v<detail::TypeOf<M>, std::vector<Millis>>);
    OptionRow out = detail::row(key, OptionType::duration_list, doc);
    out.min = 1;
    out.max = 100;
    out.get = [](const void* options) -> OptionValue { return detail::millis_counts(detail::member<M>(options)); };
    out.set = [](void* options, const OptionValue& value) {
        detail::member<M>(options) = detail::millis_of(std::get<std::vector<std::uint64_t>>(value));
    };
    return out;
}

template <auto M>
constexpr OptionRow range(std::string_view key, std::uint64_t min, std::uint64_t max, std::string_view doc) {
    static_assert(std::is_same_v<detail::TypeOf<M>, NumberRange>);
    OptionRow out = detail::row(key, OptionType::range, doc);
    out.min = min;
    out.max = max;
    out.get = [](const void* options) -> OptionValue {
        const NumberRange& r = detail::member<M>(options);
        return std::vector<std::uint64_t>{r.first, r.last};
    };
    out.set = [](void* options, const OptionValue& value) {
        const auto& numbers = std::get<std::vector<std::uint64_t>>(value);
        detail::member<M>(options) = NumberRange{numbers[0], numbers[1]};
    };
    return out;
}

template <auto M>
constexpr OptionRow group(std::string_view key, const Schema& inner, std::string_view doc) {
    OptionRow out = detail::row(key, OptionType::group, doc);
    out.inner = &inner;
    out.count = [](const void*) -> std::size_t { return 1; };
    out.element = [](void* options, std::size_t) -> void* { return &detail::member<M>(options); };
    out.clear = [](void* options) { detail::member<M>(options) = detail::TypeOf<M>{}; };
    return out;
}

template <auto M>
constexpr OptionRow tables(std::string_view key, const Schema& inner, std::string_view doc) {
    OptionRow out = detail::row(key, OptionType::tables, doc);
    out.max = 1'000;
    out.inner = &inner;
    out.count = [](const void* options) -> std::size_t { return detail::member<M>(options).size(); };
    out.element = [](void* options, std::size_t index) -> void* {
        auto& list = detail::member<M>(options);
        if (index == list.size()) list.emplace_back();
        return &list[index];
    };
    out.clear = [](void* options) { detail::member<M>(options).clear(); };
    return out;
}

} // namespace posada::service
