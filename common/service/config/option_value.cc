// SPDX-License-Identifier: BSD-2-Clause
// One option's value: is it allowed, how is it written, how is its type described. Net programs check what they are
// given with this: no formatting library here, they link none.
#include <initializer_list>

#include "common/base/text.h"
#include "common/service/config/schema.h"

namespace posada::service {

namespace {

constexpr std::size_t longest_text = 4'096;
constexpr std::uint64_t longest_duration = 10ULL * 365 * 86'400'000;

std::string concat(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const std::string_view part : parts) out.append(part);
    return out;
}

Status refuse(std::string text) { return Error{Errc::invalid, 0, std::move(text)}; }

std::string comma_separated(std::span<const std::string_view> words) {
    std::string out;
    for (const std::string_view word : words) out.append(out.empty() ? "" : ", ").append(word);
    return out;
}

std::string number_text(OptionType type, std::uint64_t value) {
    if (type == OptionType::duration || type == OptionType::duration_list)
        return duration_text(Millis(static_cast<std::int64_t>(value)));
    return type == OptionType::size ? size_text(value) : std::to_string(value);
}

Status check_number(const OptionRow& row, std::uint64_t value) {
    if (row.type == OptionType::choice) return value < row.words.size() ? Status{} : refuse("is not one of its words");
    if (value >= row.min && value <= row.max) return {};
    return refuse(concat({"must be from ", number_text(row.type, row.min), " to ", number_text(row.type, row.max),
                          ", not ", number_text(row.type, value)}));
}

Status check_text(const OptionRow& row, const std::string& value) {
    if (value.size() > longest_text) return refuse("is longer than 4096 octets");
    if (has_control(value)) return refuse("holds a control character");
    if (row.type == OptionType::path && !value.empty() && value.front() != '/')
        return refuse(concat({"must be an absolute path, not \"", value, "\""}));
    return {};
}

Status check_word(const OptionRow& row, const std::string& value) {
    for (const std::string_view word : row.words)
        if (word == value) return {};
    const std::string_view guess = nearest(value, std::vector<std::string_view>(row.words.begin(), row.words.end()), 2);
    const std::string advice = guess.empty() ? describe_type(row) : concat({"did you mean \"", guess, "\"?"});
    return refuse(concat({"has the unknown word \"", value, "\"; ", advice}));
}

Status check_element(const OptionRow& row, const std::string& value) {
    if (Status ok = check_text(row, value); !ok) return ok;
    if (row.type == OptionType::network_list && !io::Network::parse(value))
        return refuse(concat({"holds \"", value, "\", which is not a network such as \"10.0.0.0/8\" or \"::1\""}));
    if (row.type == OptionType::address_list && value != "*" && !io::Address::parse(value, 0))
        return refuse(concat({"holds \"", value, "\", which is not a numeric IP address; \"*\" means all"}));
    return row.words.empty() ? Status{} : check_word(row, value);
}

Status check_count(const OptionRow& row, std::size_t count) {
    if (count < row.min) return refuse("must not be empty");
    if (count > row.max) return refuse(concat({"has more than ", std::to_string(row.max), " elements"}));
    return {};
}

Status check_range(const OptionRow& row, const std::vector<std::uint64_t>& numbers) {
    if (numbers.size() != 2) return refuse("must be two numbers: [first, last]");
    for (const std::uint64_t n : numbers)
        if (n < row.min || n > row.max)
            return refuse(concat({"must lie from ", std::to_string(row.min), " to ", std::to_string(row.max)}));
    return numbers[0] <= numbers[1] ? Status{} : refuse("must have its smaller number first");
}

struct Checker {
    const OptionRow& row;
    Status operator()(bool) const { return {}; }
    Status operator()(std::uint64_t v) const { return check_number(row, v); }
    Status operator()(const std::string& v) const { return check_text(row, v); }
    Status operator()(const std::vector<std::string>& v) const {
        RETURN_IF_ERROR(check_count(row, v.size()));
        for (const std::string& element : v) RETURN_IF_ERROR(check_element(row, element));
        return {};
    }
    Status operator()(const std::vector<std::uint64_t>& v) const {
        if (row.type == OptionType::range) return check_range(row, v);
        for (const std::uint64_t n : v)
            if (n > longest_duration) return refuse("holds a duration of more than ten years");
        return check_count(row, v.size());
    }
};

std::string quoted(std::string_view s) {
    std::string out = "\"";
    for (const char c : s) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

struct TomlWriter {
    const OptionRow& row;
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::uint64_t v) const {
        if (row.type == OptionType::choice) return quoted(v < row.words.size() ? row.words[v] : "?");
        const std::string text = number_text(row.type, v);
        return row.type == OptionType::integer || row.type == OptionType::range ? text : quoted(text);
    }
    std::string operator()(const std::string& v) const { return quoted(v); }
    template <class T>
    std::string operator()(const std::vector<T>& v) const {
        if (v.empty() && row.type == OptionType::address_list) return "[\"*\"]"; // what an absent list means
        std::string out = "[";
        for (const T& element : v) out.append(out.size() > 1 ? ", " : "").append((*this)(element));
        return out + "]";
    }
};

} // namespace

Status check_value(const OptionRow& row, const OptionValue& value) { return std::visit(Checker{row}, value); }

std::string to_toml(const OptionRow& row, const OptionValue& value) { return std::visit(TomlWriter{row}, value); }

std::string describe_type(const OptionRow& row) {
    const auto limits = [&] {
        return concat({number_text(row.type, row.min), " to ", number_text(row.type, row.max)});
    };
    switch (row.type) {
    case OptionType::boolean: return "true or false";
    case OptionType::integer: return "integer, " + limits();
    case OptionType::duration: return "duration, " + limits();
    case OptionType::size: return "size, " + limits();
    case OptionType::text: return "text";
    case OptionType::path: return "absolute path";
    case OptionType::choice: return "one of " + comma_separated(row.words);
    case OptionType::text_list: return row.words.empty() ? "list of text" : "list of " + comma_separated(row.words);
    case OptionType::network_list: return "list of networks";
    case OptionType::address_list: return "list of IP addresses";
    case OptionType::duration_list: return "list of durations";
    case OptionType::range: return "[first, last], " + limits();
    case OptionType::group: return "table";
    case OptionType::tables: return "array of tables";
    }
    return "";
}

} // namespace posada::service
