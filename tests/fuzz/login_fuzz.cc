// SPDX-License-Identifier: BSD-2-Clause
// What the privileged side of a login reads: the opaque SCRAM texts of a client, a worker's decision, and the users
// file. The input's first byte chooses.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/auth/backends.h"
#include "common/auth/scram.h"
#include "common/auth/users_file.h"

using namespace posada;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

// The input is what a client sent as client-first-bare, a NUL, and its final message without proof.
void scram(std::string_view input) {
    const std::string_view bare = input.substr(0, input.find('\0'));
    const std::string_view final = bare.size() < input.size() ? input.substr(bare.size() + 1) : std::string_view();
    const auto nonce = auth::client_nonce(bare);
    if (!nonce) return;
    require(!nonce->empty() && nonce->find(',') == std::string_view::npos);
    auth::ScramExchange exchange;
    exchange.client_first_bare = bare;
    exchange.server_first = auth::scram_server_first(*nonce, "ours", "0123456789abcdef", 4096);
    exchange.nonce = std::string(*nonce) + "ours";
    exchange.gs2_header = "n,,";
    const std::string start = exchange.client_first_bare + "," + exchange.server_first + ",";
    require(exchange.bound(start + "c=biws,r=" + exchange.nonce).ok());
    if (exchange.bound(std::string(final)).ok()) require(final.find("ours") != std::string_view::npos);
    const std::string whole = start + std::string(final);
    if (exchange.bound(whole).ok()) require(whole.rfind(start + "c=biws,r=" + exchange.nonce, 0) == 0);
    require(!auth::check_proof(nullptr, whole, whole.substr(0, 32)).ok());
}

void users_file(std::string_view input) {
    const auth::UsersFile file = auth::UsersFile::parse(input, "users");
    std::string again;
    for (const auth::UserEntry& entry : file.entries()) {
        require(auth::valid_account_name(entry.name) && entry.uid != 0 && entry.gid != 0);
        again += entry.line() + "\n";
    }
    const auth::UsersFile second = auth::UsersFile::parse(again, "users");
    require(second.errors().empty() && second.entries().size() == file.entries().size());
    for (const auth::UsersFileError& error : file.errors()) require(!file.find(error.name).ok());
}

void decision(std::string_view input) {
    const auto read = auth::decode_decision(input);
    if (!read) return;
    if (read->outcome == auth::Outcome::accepted) require(read->account.uid != 0 && !read->account.name.empty());
    if (read->detail.size() <= 2000) require(auth::encode_decision(*read) == input);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
    case 0: scram(input); break;
    case 1: users_file(input); break;
    default: decision(input); break;
    }
    return 0;
}
