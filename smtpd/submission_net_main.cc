// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/smtpd-submission-net: ports 587 and 465, with the login requests.
#include "common/service/login_protocol.h"
#include "smtpd/net_service.h"

int main(int argc, char** argv) {
    return posada::smtpd::smtp_net_main(posada::service::LoginRequests::rows, argc, argv);
}
