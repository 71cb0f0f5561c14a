// SPDX-License-Identifier: BSD-2-Clause
// SaslServer: byte 0 chooses mechanism and surroundings, each line of the rest is one answer of the client. A step that
// asks the monitor carries a clean, bounded name; nothing follows the end of an exchange but refusals.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/text.h"
#include "common/proto/base64.h"
#include "common/proto/sasl.h"

using namespace posada;
using namespace posada::proto;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void require_name(std::string_view name) {
    require(!name.empty() && name.size() <= max_sasl_user && !has_control(name) && is_valid_utf8(name));
}

void check(const SaslStep& step) {
    if (const auto* password = std::get_if<CheckPassword>(&step)) {
        require_name(password->user);
        require(!password->password.empty() && password->password.view().size() <= max_sasl_password);
    }
    if (const auto* first = std::get_if<SaslScramFirst>(&step)) {
        require_name(first->user);
        require(first->client_first_bare.find("r=") != std::string::npos);
    }
    if (const auto* final = std::get_if<SaslScramFinal>(&step)) require(final->client_proof.size() == 32);
}

// The monitor's part: it accepts everything.
SaslStep answer(SaslServer& server, SaslStep step) {
    check(step);
    if (const auto* first = std::get_if<SaslScramFirst>(&step)) {
        const std::string_view bare = first->client_first_bare;
        const std::size_t at = bare.find(",r=") + 3;
        const std::string nonce(bare.substr(at, bare.find(',', at) - at));
        return server.scram_started("r=" + nonce + "S,s=AAAA,i=4096");
    }
    if (std::holds_alternative<SaslScramFinal>(step)) return server.scram_verified(std::string(32, 's'), "account");
    return step;
}

bool over(const SaslStep& step) { return !std::holds_alternative<SaslChallenge>(step); }

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string exporter = (data[0] & 4) != 0 ? std::string(32, 'e') : "";
    SaslServer server(static_cast<SaslMechanism>(data[0] & 3), exporter, (data[0] & 8) != 0);
    const bool decoded = (data[0] & 16) != 0; // the lines are raw messages: lets the fuzzer past base64
    bool ended = false;
    bool first = true;
    for (const auto line : split({reinterpret_cast<const char*>(data) + 1, size - 1}, '\n')) {
        const std::string sent = decoded ? base64_encode(line) : std::string(line);
        const bool initial = first && (data[0] & 32) != 0;
        SaslStep step = first && !initial ? server.start(std::nullopt)
                        : initial         ? server.start(sent)
                                          : server.response(sent);
        if (ended) require(std::holds_alternative<SaslFailed>(step));
        step = answer(server, std::move(step));
        ended = ended || over(step);
        first = false;
    }
    const auto bytes = base64_decode({reinterpret_cast<const char*>(data), size}, size);
    if (bytes) require(base64_encode(*bytes) == std::string_view(reinterpret_cast<const char*>(data), size));
    return 0;
}
