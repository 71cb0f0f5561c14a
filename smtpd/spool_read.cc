// SPDX-License-Identifier: BSD-2-Clause
// The other half of the spool: opening it, and everything that only reads.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "smtpd/durable_directory.h"
#include "smtpd/spool_schema.h"
#include "smtpd/spool_sql.h"

namespace posada::smtpd {

namespace {

Result<UniqueFd> open_directory(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return errno_error(path);
    return fd;
}

bool is_missing(const std::string& path) { return ::access(path.c_str(), F_OK) != 0 && errno == ENOENT; }

std::vector<std::string> file_names(int directory) {
    std::vector<std::string> names;
    DIR* dir = ::fdopendir(::fcntl(directory, F_DUPFD_CLOEXEC, 0));
    if (dir == nullptr) return names;
    ::rewinddir(dir);
    while (const dirent* entry = ::readdir(dir))
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    ::closedir(dir);
    return names;
}

constexpr std::string_view message_columns =
    "SELECT id, queue_id, sender, flags, received, size, body IS NULL FROM message ";

} // namespace

Result<std::unique_ptr<Spool>> Spool::open(const std::string& directory, const Clock& clock) {
    std::unique_ptr<Spool> spool(new Spool(clock));
    spool->directory_ = directory;
    // In a sandbox the directory is there already, and what is above it out of reach.
    if (is_missing(directory)) RETURN_IF_ERROR(make_durable_directory(directory, 0700));
    RETURN_IF_ERROR(make_durable_directory(directory + "/bodies", 0700));
    auto top = open_directory(directory);
    if (!top) return top.error();
    spool->directory_fd_ = std::move(*top);
    auto bodies = open_directory(directory + "/bodies");
    if (!bodies) return bodies.error();
    spool->bodies_fd_ = std::move(*bodies);
    RETURN_IF_ERROR(spool->open_database());
    RETURN_IF_ERROR(spool->prepare_statements());
    RETURN_IF_ERROR(spool->find_orphans());
    return spool;
}

Status Spool::open_database() {
    auto db = Database::open(directory_ + "/spool.db");
    if (!db) return db.error();
    db_ = std::move(*db);
    RETURN_IF_ERROR(prepare_spool_database(db_));
    // The names of the database, its log and bodies/ themselves.
    if (::fsync(directory_fd_.get()) != 0) return errno_error(directory_);
    struct {
        const char* sql;
        std::uint64_t* into;
    } const counts[] = {{"SELECT count(*) FROM message", &found_.messages},
                        {"SELECT count(*) FROM recipient WHERE state = 0", &found_.waiting},
                        {"SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'", &last_id_}};
    for (const auto& count : counts) {
        auto n = db_.number(count.sql);
        if (!n) return n.error();
        *count.into = *n;
    }
    return {};
}

Status Spool::prepare_statements() {
    sql_.reset(new Statements);
    const std::string by_id = std::string(message_columns) + "WHERE id = ?1";
    const struct {
        Statement* into;
        std::string_view sql;
    } table[] = {
        {&sql_->begin, "BEGIN IMMEDIATE"},
        {&sql_->commit, "COMMIT"},
        {&sql_->insert_message,
         "INSERT INTO message(id, queue_id, received, sender, flags, size, client_ip, client_name, auth_user, body)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
        {&sql_->insert_recipient,
         "INSERT INTO recipient(message, address, kind, next_attempt) VALUES (?1, ?2, ?3, ?4)"},
        {&sql_->finish_row, "UPDATE recipient SET state = ?1, done_at = ?2, last_error = ?3 WHERE id = ?4"},
        {&sql_->finish_all, "UPDATE recipient SET state = 2 WHERE message = ?1 AND state = 0"},
        {&sql_->defer_row, "UPDATE recipient SET attempts = ?1, next_attempt = ?2, last_error = ?3 WHERE id = ?4"},
        {&sql_->make_due,
         "UPDATE recipient SET next_attempt = ?1 WHERE state = 0 AND next_attempt > ?1 AND (?2 = '' OR "
         "message IN (SELECT id FROM message WHERE queue_id = ?2))"},
        {&sql_->waiting_row, "SELECT id FROM recipient WHERE message = ?1 AND state = 0 LIMIT 1"},
        {&sql_->body_file_of, "SELECT queue_id FROM message WHERE id = ?1 AND body IS NULL"},
        {&sql_->delete_message, "DELETE FROM message WHERE id = ?1"},
        {&sql_->message_by_name, "SELECT id FROM message WHERE queue_id = ?1"},
        {&sql_->message_by_id, by_id},
        {&sql_->body_by_id, "SELECT body FROM message WHERE id = ?1"},
        {&sql_->head_by_id, "SELECT substr(body, 1, ?2) FROM message WHERE id = ?1"},
        {&sql_->due_rows, "SELECT id, message, address, kind, attempts, next_attempt FROM recipient"
                          " WHERE state = 0 AND next_attempt <= ?1 ORDER BY next_attempt, id LIMIT ?2"},
        {&sql_->next_due, "SELECT min(next_attempt) FROM recipient WHERE state = 0 AND next_attempt > ?1"},
        {&sql_->list_rows,
         "SELECT r.id, m.queue_id, m.sender, r.address, r.kind, m.received, r.next_attempt, r.attempts, m.size,"
         " r.last_error FROM recipient r JOIN message m ON m.id = r.message"
         " WHERE r.state = 0 AND r.id > ?1 ORDER BY r.id LIMIT ?2"},
        {&sql_->count_due, "SELECT count(*), coalesce(sum(next_attempt <= ?1), 0), (SELECT count(*) FROM message)"
                           " FROM recipient WHERE state = 0"},
    };
    for (const auto& row : table) {
        auto statement = db_.prepare(row.sql);
        if (!statement) return statement.error();
        *row.into = std::move(*statement);
    }
    return {};
}

// Bodies of messages that were never committed, or whose last recipient is done.
Status Spool::find_orphans() {
    for (const std::string& name : file_names(bodies_fd_.get())) {
        const StatementScope scope(sql_->message_by_name);
        auto known = sql_->message_by_name.bind_text(1, name).step();
        if (!known) return known.error();
        if (*known) continue;
        if (::unlinkat(bodies_fd_.get(), name.c_str(), 0) == 0) ++found_.orphans;
    }
    return {};
}

Result<std::vector<StoredRow>> Spool::due(UnixTime now, std::uint32_t most) {
    std::vector<StoredRow> rows;
    Statement& s = sql_->due_rows;
    const StatementScope scope(s);
    s.bind(1, static_cast<std::uint64_t>(now)).bind(2, most);
    for (;;) {
        auto more = s.step();
        if (!more) return more.error();
        if (!*more) return rows;
        StoredRow row;
        row.row = s.number(0);
        row.message = s.number(1);
        row.address = s.text(2);
        row.kind = s.number(3) == 1 ? RecipientKind::route : RecipientKind::local;
        row.attempts = static_cast<std::uint32_t>(s.number(4));
        row.next_attempt = static_cast<UnixTime>(s.number(5));
        rows.push_back(std::move(row));
    }
}

Result<UnixTime> Spool::next_appointment(UnixTime after) {
    const StatementScope scope(sql_->next_due);
    auto row = sql_->next_due.bind(1, static_cast<std::uint64_t>(after)).step();
    if (!row) return row.error();
    return *row && !sql_->next_due.null(0) ? static_cast<UnixTime>(sql_->next_due.number(0)) : UnixTime{0};
}

Result<SpoolMessage> Spool::message(std::uint64_t id) {
    Statement& s = sql_->message_by_id;
    const StatementScope scope(s);
    auto row = s.bind(1, id).step();
    if (!row) return row.error();
    if (!*row) return Error{Errc::not_found, 0, "no such message"};
    SpoolMessage message;
    message.id = s.number(0);
    message.queue_id = s.text(1);
    message.sender = s.text(2);
    message.body_8bit = (s.number(3) & 1) != 0;
    message.received = static_cast<UnixTime>(s.number(4));
    message.size = s.number(5);
    message.in_file = s.number(6) != 0;
    return message;
}

Result<std::string> Spool::body(std::uint64_t message) {
    const StatementScope scope(sql_->body_by_id);
    auto row = sql_->body_by_id.bind(1, message).step();
    if (!row) return row.error();
    if (!*row || sql_->body_by_id.null(0)) return Error{Errc::not_found, 0, "no body in the database"};
    return std::string(sql_->body_by_id.text(0));
}

Result<UniqueFd> Spool::open_body(const SpoolMessage& message) {
    UniqueFd fd(::openat(bodies_fd_.get(), message.queue_id.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return errno_error(body_path(message.queue_id));
    return fd;
}

Result<std::string> Spool::head(const SpoolMessage& message, std::size_t most) {
    if (!message.in_file) {
        const StatementScope scope(sql_->head_by_id);
        auto row = sql_->head_by_id.bind(1, message.id).bind(2, most).step();
        if (!row) return row.error();
        return std::string(*row ? sql_->head_by_id.text(0) : std::string_view());
    }
    auto fd = open_body(message);
    if (!fd) return fd.error();
    std::string head(std::min<std::uint64_t>(most, message.size), '\0');
    const ssize_t n = ::pread(fd->get(), head.data(), head.size(), 0);
    if (n < 0) return errno_error(body_path(message.queue_id));
    head.resize(static_cast<std::size_t>(n));
    return head;
}

Result<std::vector<QueueEntry>> Spool::list(std::uint64_t after_row, std::uint32_t most) {
    std::vector<QueueEntry> entries;
    Statement& s = sql_->list_rows;
    const StatementScope scope(s);
    s.bind(1, after_row).bind(2, most);
    for (;;) {
        auto more = s.step();
        if (!more) return more.error();
        if (!*more) return entries;
        QueueEntry e;
        e.row = s.number(0);
        e.queue_id = s.text(1);
        e.sender = s.text(2);
        e.address = s.text(3);
        e.kind = s.number(4) == 1 ? RecipientKind::route : RecipientKind::local;
        e.received = static_cast<UnixTime>(s.number(5));
        e.next_attempt = static_cast<UnixTime>(s.number(6));
        e.attempts = static_cast<std::uint32_t>(s.number(7));
        e.size = s.number(8);
        e.last_error = s.text(9);
        entries.push_back(std::move(e));
    }
}

Result<QueueStats> Spool::stats(UnixTime now) {
    Statement& s = sql_->count_due;
    const StatementScope scope(s);
    auto row = s.bind(1, static_cast<std::uint64_t>(now)).step();
    if (!row) return row.error();
    QueueStats stats;
    stats.recipients = s.number(0);
    stats.due = s.number(1);
    stats.messages = s.number(2);
    return stats;
}

} // namespace posada::smtpd
