// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/smtpd-net: port 25. Whoever takes this process over can ask the monitor nothing; it may only say who
// the client behind a proxy is.
#include "smtpd/net_service.h"
#include "smtpd/requests.h"

int main(int argc, char** argv) { return posada::smtpd::smtp_net_main(posada::smtpd::mx_requests, argc, argv); }
