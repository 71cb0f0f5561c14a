// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/user_options.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "common/auth/scram.h"
#include "common/base/text.h"
#include "common/base/units.h"

namespace posada::auth {

namespace {

struct Key {
    std::string_view name;
    // The error's text is the rest of a sentence that starts with the value.
    Status (*read)(UserOptions& options, std::string_view value);
    std::string (*write)(const UserOptions& options); // "" = not set
};

template <auto M>
std::string write_size(const UserOptions& options) {
    return (options.*M) ? size_text(*(options.*M)) : std::string();
}

Status read_quota(UserOptions& options, std::string_view value) {
    const auto size = parse_size(value);
    if (!size) return size.error();
    options.quota = *size;
    return {};
}

Status read_quota_messages(UserOptions& options, std::string_view value) {
    const auto count = parse_uint(value);
    if (!count) return Error{Errc::invalid, 0, "is not a number of messages; 0 means no limit"};
    options.quota_messages = *count;
    return {};
}

std::string write_quota_messages(const UserOptions& options) {
    return options.quota_messages ? std::to_string(*options.quota_messages) : std::string();
}

// Base64 in the file: a secret may hold commas and colons.
Status read_apop(UserOptions& options, std::string_view value) {
    const auto secret = unbase64(value);
    if (!secret || secret->empty() || secret->size() > max_apop_secret || has_control(*secret))
        return Error{Errc::invalid, 0, "is not the base64 of a secret; set one with: posada user apop"};
    options.apop = *secret;
    return {};
}

std::string write_apop(const UserOptions& options) { return base64(options.apop); }

constexpr Key keys[] = {
    {"quota", &read_quota, &write_size<&UserOptions::quota>},
    {"quota_messages", &read_quota_messages, &write_quota_messages},
    {"apop", &read_apop, &write_apop},
};

Error wrong(std::string text) { return {Errc::corrupt, 0, "options: " + std::move(text)}; }

Error unknown_key(std::string_view name) {
    std::vector<std::string_view> names;
    std::string all;
    for (const Key& key : keys) {
        names.push_back(key.name);
        all.append(all.empty() ? "" : ", ").append(key.name);
    }
    const std::string_view guess = nearest(name, names, 2);
    return wrong("unknown key \"" + escape_for_log(name.substr(0, 40)) + "\"; " +
                 (guess.empty() ? "there are: " + all : "did you mean \"" + std::string(guess) + "\"?"));
}

} // namespace

Result<UserOptions> UserOptions::parse(std::string_view text) {
    UserOptions out;
    if (text.empty()) return out;
    std::vector<std::string_view> seen;
    for (const std::string_view item : split(text, ',')) {
        const std::size_t equals = std::min(item.find('='), item.size());
        const std::string_view name = item.substr(0, equals);
        const Key* const key =
            std::find_if(std::begin(keys), std::end(keys), [&](const Key& known) { return known.name == name; });
        if (key == std::end(keys)) return unknown_key(name);
        if (equals == item.size()) return wrong(std::string(name) + " needs a value: " + std::string(name) + "=...");
        if (std::find(seen.begin(), seen.end(), name) != seen.end())
            return wrong(std::string(name) + " is there twice");
        seen.push_back(name);
        if (const Status read = key->read(out, item.substr(equals + 1)); !read)
            return wrong(std::string(name) + " " + read.error().text);
    }
    return out;
}

std::string UserOptions::text() const {
    std::string out;
    for (const Key& key : keys) {
        const std::string value = key.write(*this);
        if (!value.empty()) out.append(out.empty() ? "" : ",").append(key.name).append("=").append(value);
    }
    return out;
}

} // namespace posada::auth
