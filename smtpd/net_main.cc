// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/smtpd-net: port 25. Whoever takes this process over can ask the monitor nothing but what every
// connection may (common/service/connection_requests.h).
#include "smtpd/net_service.h"

int main(int argc, char** argv) { return posada::smtpd::smtp_net_main({}, argc, argv); }
