// SPDX-License-Identifier: BSD-2-Clause
// The main() of both net programs: smtpd-net (port 25) and smtpd-submission-net.
#pragma once

#include <span>

#include "common/priv/request.h"

namespace posada::smtpd {

int smtp_net_main(std::span<const priv::RequestInfo> requests, int argc, char** argv);

} // namespace posada::smtpd
