// SPDX-License-Identifier: BSD-2-Clause
// The tables of spool.db and how an older file becomes today's. user_version is the schema's number.
#pragma once

#include "smtpd/sqlite.h"

namespace posada::smtpd {

constexpr unsigned spool_schema_version = 1;

// On a fresh connection. Errc::unavailable: the file was written by a newer posada.
Status prepare_spool_database(Database& db);

} // namespace posada::smtpd
