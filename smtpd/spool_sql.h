// SPDX-License-Identifier: BSD-2-Clause
// The spool's statements, prepared once. Private to spool*.cc.
#pragma once

#include "smtpd/spool.h"

namespace posada::smtpd {

struct Spool::Statements {
    Statement begin, commit;
    Statement insert_message, insert_recipient;
    Statement finish_row, finish_all, defer_row, make_due;
    Statement waiting_row, body_file_of, delete_message;
    Statement message_by_name, message_by_id, body_by_id, head_by_id;
    Statement due_rows, next_due, list_rows, count_due;
};

} // namespace posada::smtpd
