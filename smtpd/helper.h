// SPDX-License-Identifier: BSD-2-Clause
// How `smtpd --queue` and its two programs, smtpd-queue and smtpd-relay, find together: hello brings the configuration
// and one socket (the queue's listening socket, or the relay's channel to the queue).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/base/fd.h"
#include "common/base/fields.h"
#include "common/priv/channel.h"
#include "common/priv/sandbox.h"
#include "common/service/config/config.h"
#include "smtpd/options.h"

namespace posada::smtpd {

enum class HelperMessage : std::uint16_t {
    hello = 1, // HelperHello; descriptors: configuration memfd, socket
    ready = 2, // program: it works, confined
    adopt = 3, // descriptor: a new socket
    stop = 4,  // finish what is under way and exit
};

struct HelperHello {
    std::string version = POSADA_VERSION;
    std::string hostname;
    std::string directory; // queue: of the spool
    priv::SandboxMode sandbox = priv::SandboxMode::enforce;
    uid_t owner = 0; // whom `smtpd --queue` runs as
    FIELDS(version, hostname, directory, sandbox, owner)
};

// The program's side: everything up to the sandbox.
struct HelperStart {
    HelperHello hello;
    SmtpdOptions options;
    service::MailOptions mail;
    priv::Channel channel; // non-blocking
    UniqueFd socket;
    priv::PreparedSandbox sandbox;
};
Result<HelperStart> receive_helper_start(priv::SandboxProfile profile);

// main() of both programs: checks that we were started by smtpd, points the log at its socket, runs, exits.
int helper_main(char** argv, int (*run)());

} // namespace posada::smtpd
