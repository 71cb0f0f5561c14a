// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/sqlite.h"

#include <sqlite3.h>

namespace posada::smtpd {

namespace {

constexpr int busy_wait_ms = 2'000;

Errc errc_of(int code) {
    switch (code & 0xff) {
    case SQLITE_FULL: return Errc::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Errc::corrupt;
    default: return Errc::io;
    }
}

const char* remedy(Errc code) {
    if (code == Errc::no_space) return "; make room where [paths] state_dir is";
    if (code == Errc::corrupt) return "; stop posada, keep a copy of the spool, and try: sqlite3 spool.db .recover";
    return "";
}

Error db_error(sqlite3* db) {
    const int code = sqlite3_extended_errcode(db);
    return Error{errc_of(code), sqlite3_system_errno(db),
                 std::string("sqlite: ") + sqlite3_errmsg(db) + " (" + std::to_string(code) + ")" +
                     remedy(errc_of(code))};
}

extern "C" int note_log_pages(void* into, sqlite3*, const char*, int pages) noexcept {
    *static_cast<std::uint64_t*>(into) = static_cast<std::uint64_t>(pages);
    return SQLITE_OK;
}

// SQLite reads a null pointer as NULL; an empty string is not NULL.
const char* data_of(std::string_view s) { return s.empty() ? "" : s.data(); }

void watch_log(sqlite3* db, std::uint64_t* pages) { sqlite3_wal_hook(db, note_log_pages, pages); }

} // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }

Statement& Statement::bind(int index, std::uint64_t value) {
    sqlite3_bind_int64(statement_.get(), index, static_cast<sqlite3_int64>(value));
    return *this;
}

Statement& Statement::bind_text(int index, std::string_view value) {
    sqlite3_bind_text64(statement_.get(), index, data_of(value), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

Statement& Statement::bind_blob(int index, std::string_view value) {
    sqlite3_bind_blob64(statement_.get(), index, data_of(value), value.size(), SQLITE_STATIC);
    return *this;
}

Statement& Statement::bind_null(int index) {
    sqlite3_bind_null(statement_.get(), index);
    return *this;
}

Result<bool> Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    Error error = db_error(sqlite3_db_handle(statement_.get()));
    reset();
    return error;
}

Status Statement::run() {
    auto stepped = step();
    if (!stepped) return stepped.error();
    reset();
    return {};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
}

std::uint64_t Statement::number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::string_view Statement::text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

Result<Database> Database::open(const std::string& path) {
    sqlite3* raw = nullptr;
    // One thread uses it: no mutexes.
    const int code =
        sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database db;
    db.db_.reset(raw);
    if (code != SQLITE_OK) {
        Error error = raw == nullptr ? Error{Errc::io, 0, "sqlite: no memory"} : db_error(raw);
        error.text = path + ": " + error.text;
        return error;
    }
    sqlite3_busy_timeout(raw, busy_wait_ms);
    db.log_pages_ = std::make_unique<std::uint64_t>(0);
    watch_log(raw, db.log_pages_.get());
    return db;
}

Status Database::execute(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return db_error(db_.get());
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw,
                           nullptr) != SQLITE_OK)
        return db_error(db_.get());
    Statement statement;
    statement.statement_.reset(raw);
    return statement;
}

Result<std::uint64_t> Database::number(const char* sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    auto row = statement->step();
    if (!row) return row.error();
    return *row ? statement->number(0) : 0;
}

std::uint64_t Database::last_row() const { return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(db_.get())); }
std::uint64_t Database::changes() const { return static_cast<std::uint64_t>(sqlite3_changes64(db_.get())); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

Status Database::checkpoint() {
    const int code = sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
    return db_error(db_.get());
}

} // namespace posada::smtpd
