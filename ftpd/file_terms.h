// SPDX-License-Identifier: BSD-2-Clause
// What can be done with files, in the words that session, agent and monitor share.
#pragma once

#include <cstdint>
#include <limits>

namespace posada::ftpd {

constexpr std::uint32_t path_octets = 4096 + 2; // of a path in a request
constexpr std::uint32_t max_email = 256;        // of an anonymous user; longer ones are cut
constexpr std::uint64_t no_quota = std::numeric_limits<std::uint64_t>::max();

enum class Change : std::uint8_t { make_directory, remove_directory, remove_file, rename, set_mode, set_time };
constexpr Change last_value(Change) { return Change::set_time; }

enum class Opening : std::uint8_t { retrieve, store, store_new, append };
constexpr Opening last_value(Opening) { return Opening::append; }

enum class Form : std::uint8_t { list, names, facts }; // of a listing
constexpr Form last_value(Form) { return Form::facts; }

} // namespace posada::ftpd
