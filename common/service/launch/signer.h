// SPDX-License-Identifier: BSD-2-Clause
// The signer: a child of the launcher that reads certificates and private keys as root, hands the certificates out,
// gives up every right, and from then on signs handshakes (sign_protocol.h). No other process ever has a key in its
// memory, unless [tls] signer = false. It ends with its channel.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/priv/channel.h"
#include "common/priv/sandbox.h"
#include "common/service/config/options.h"
#include "common/service/identity.h"

namespace posada::service {

struct SignerSpec {
    std::span<const CertificateFiles> files;
    int ticket_key = -1; // memfd
    std::string_view service;
    Identity identity;
    priv::SandboxMode sandbox = priv::SandboxMode::enforce;
    int log_fd = -1;
    bool legacy = false; // a listener has tls = "legacy": old hashes are signed too
    bool signs = true;   // false ([tls] signer): the keys are handed out with the certificates, and the child ends
};

enum class SignerMessage : std::uint16_t {
    loaded = 1, // signer: an answer (priv::encode_ok); descriptor: the memfd of encode(NetSecrets)
    breach = 3, // signer: text; the header's session is the one that asked
};              // launcher: sign_request, with the descriptor for the answer

// The child's body; returns its exit status.
int run_signer(priv::Channel channel, const SignerSpec& spec);

} // namespace posada::service
