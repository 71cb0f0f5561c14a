// SPDX-License-Identifier: BSD-2-Clause
// What the net program of pop3d may ask its monitor: the logins of every daemon, and APOP.
#pragma once

#include "common/service/login_protocol.h"

namespace posada::pop3d {

using MonitorRequests = service::LoginRequests::with<service::CheckApop>;

} // namespace posada::pop3d
