// SPDX-License-Identifier: BSD-2-Clause
// The root side of smtpd and submission: connects the queue and starts the lookup worker for the net program; checks
// logins (submission only).
#pragma once

namespace posada::smtpd {

int smtpd_main(int argc, char** argv);      // port 25
int submission_main(int argc, char** argv); // 587 and 465

} // namespace posada::smtpd
