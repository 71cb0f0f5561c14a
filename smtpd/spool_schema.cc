// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/spool_schema.h"

#include <iterator>
#include <string>

namespace posada::smtpd {

namespace {

// Before the first table exists; on a database that has tables they change nothing.
constexpr const char* layout = "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;";

// Every connection. The log is not copied on the commit path (sqlite.cc's hook replaces SQLite's), freed pages are not
// overwritten with zeros (Debian's default would double what is written), and there are no temporary files.
constexpr const char* session_settings = "PRAGMA journal_mode = WAL;"
                                         "PRAGMA synchronous = FULL;"
                                         "PRAGMA foreign_keys = ON;"
                                         "PRAGMA secure_delete = OFF;"
                                         "PRAGMA temp_store = MEMORY;"
                                         "PRAGMA cache_size = -32768;"
                                         "PRAGMA trusted_schema = OFF;";

// migrations[n] turns version n into n + 1.
// message.flags: 1 = body has octets above 127. message.body NULL = the file bodies/<queue_id>.
// recipient.kind: 0 = local mailbox, 1 = by route; state: 0 = waits, 1 = delivered, 2 = failed for good.
constexpr const char* migrations[] = {
    "CREATE TABLE message ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " queue_id TEXT NOT NULL,"
    " received INTEGER NOT NULL,"
    " sender TEXT NOT NULL,"
    " flags INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " client_ip TEXT NOT NULL,"
    " client_name TEXT NOT NULL,"
    " auth_user TEXT NOT NULL,"
    " body BLOB);"
    "CREATE TABLE recipient ("
    " id INTEGER PRIMARY KEY,"
    " message INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,"
    " address TEXT NOT NULL,"
    " kind INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0,"
    " next_attempt INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " last_error TEXT NOT NULL DEFAULT '',"
    " done_at INTEGER);"
    "CREATE INDEX recipient_of_message ON recipient(message);"
    "CREATE INDEX recipient_due ON recipient(next_attempt) WHERE state = 0;"
    "PRAGMA application_id = 1886352225;", // "posa"
};
static_assert(std::size(migrations) == spool_schema_version);

Status migrate(Database& db, std::uint64_t from) {
    RETURN_IF_ERROR(db.execute("BEGIN IMMEDIATE"));
    for (std::uint64_t version = from; version < spool_schema_version; ++version)
        RETURN_IF_ERROR(db.execute(migrations[version]));
    RETURN_IF_ERROR(db.execute(("PRAGMA user_version = " + std::to_string(spool_schema_version)).c_str()));
    return db.execute("COMMIT");
}

} // namespace

Status prepare_spool_database(Database& db) {
    RETURN_IF_ERROR(db.execute(layout));
    RETURN_IF_ERROR(db.execute(session_settings));
    auto version = db.number("PRAGMA user_version");
    if (!version) return version.error();
    if (*version > spool_schema_version)
        return Error{Errc::unavailable, 0,
                     "spool.db has schema " + std::to_string(*version) + ", this posada knows up to " +
                         std::to_string(spool_schema_version) + ": install the newer version again"};
    return *version == spool_schema_version ? Status() : migrate(db, *version);
}

} // namespace posada::smtpd
