// SPDX-License-Identifier: BSD-2-Clause
// Private keys are read by a child of the launcher and leave it inside a sealed memfd: agents are forks of the
// launcher, and what was never in its memory they cannot inherit.
#pragma once

#include <span>
#include <string_view>

#include "common/base/fd.h"
#include "common/service/options.h"

namespace posada::service {

// Random bytes for session tickets, in a sealed memfd; made once per launcher so that renewed net programs resume.
Result<UniqueFd> make_ticket_key();

// Reads, checks and logs (cert-loaded) every certificate; the memfd holds encode(NetSecrets). Blocks for the
// milliseconds this takes. Errc::invalid names the file that cannot be used.
Result<UniqueFd> load_secrets(std::span<const CertificateFiles> files, int ticket_key, std::string_view service);

} // namespace posada::service
