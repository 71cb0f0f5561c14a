// SPDX-License-Identifier: BSD-2-Clause
// The writing half of the spool: transactions, insertion, results, upkeep.
#include "smtpd/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "smtpd/spool_sql.h"

namespace posada::smtpd {

namespace {

constexpr std::string_view id_digits = "0123456789BCDFGHJKLMNPQRSTVWXYZ";
constexpr std::uint64_t flag_8bit = 1;
constexpr std::uint64_t page_octets = 4096;
constexpr std::uint64_t free_pages_to_keep = 8192; // 32 MiB: the next rush needs them again

Status sync_directory(int fd, const char* what) {
    if (::fsync(fd) != 0) return errno_error(what);
    return {};
}

} // namespace

std::string queue_id_text(std::uint64_t id) {
    std::string out;
    do {
        out += id_digits[id % id_digits.size()];
        id /= id_digits.size();
    } while (id != 0);
    std::reverse(out.begin(), out.end());
    return out;
}

Status BodyFile::append(int memfd, std::uint64_t size) {
    std::array<char, 64 * 1024> buffer;
    std::uint64_t done = 0;
    while (done < size) {
        const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - done));
        const ssize_t n = ::pread(memfd, buffer.data(), want, static_cast<off_t>(done));
        if (n < 0) return errno_error("reading a message part");
        if (n == 0) return Error{Errc::protocol, 0, "a message part is shorter than it said"};
        RETURN_IF_ERROR(write_all(fd_.get(), {buffer.data(), static_cast<std::size_t>(n)}));
        done += static_cast<std::uint64_t>(n);
    }
    size_ += size;
    return {};
}

void Spool::StatementsDeleter::operator()(Statements* s) const noexcept { delete s; }

Status Spool::begin() {
    unlink_after_commit_.clear();
    return sql_->begin.run();
}

Status Spool::commit() {
    RETURN_IF_ERROR(sql_->commit.run());
    // Without a sync: a file that comes back after a crash has no row and is removed by open().
    for (const std::string& name : unlink_after_commit_) ::unlinkat(bodies_fd_.get(), name.c_str(), 0);
    unlink_after_commit_.clear();
    return {};
}

void Spool::rollback() {
    unlink_after_commit_.clear();
    // A full disk may have rolled back already; then there is nothing to do.
    if (db_.in_transaction()) static_cast<void>(db_.execute("ROLLBACK"));
}

std::uint64_t Spool::new_id() {
    last_id_ = std::max(last_id_ + 1, static_cast<std::uint64_t>(clock_.unix_micros()));
    return last_id_;
}

std::string Spool::body_path(std::string_view queue_id) const {
    return directory_ + "/bodies/" + std::string(queue_id);
}

Result<BodyFile> Spool::new_body_file() {
    BodyFile body;
    body.id_ = new_id();
    const std::string name = queue_id_text(body.id_);
    body.fd_.reset(
        ::openat(bodies_fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!body.fd_.valid()) return errno_error(body_path(name));
    return body;
}

void Spool::discard(BodyFile& body) {
    if (body.id_ == 0) return;
    body.fd_.reset();
    ::unlinkat(bodies_fd_.get(), queue_id_text(body.id_).c_str(), 0);
    body.id_ = 0;
}

Result<StoredMail> Spool::insert(const Envelope& envelope, std::string_view body) {
    return insert_rows(envelope, new_id(), body, false);
}

Result<StoredMail> Spool::insert(const Envelope& envelope, BodyFile& body) {
    if (::fdatasync(body.fd_.get()) != 0) return errno_error(body_path(queue_id_text(body.id_)));
    RETURN_IF_ERROR(body.fd_.close());
    RETURN_IF_ERROR(sync_directory(bodies_fd_.get(), "bodies"));
    return insert_rows(envelope, body.id_, {}, true);
}

Result<StoredMail> Spool::insert_rows(const Envelope& envelope, std::uint64_t id, std::string_view body, bool in_file) {
    StoredMail mail;
    mail.message = {id,     queue_id_text(id), envelope.sender, envelope.body_8bit, envelope.received, envelope.size,
                    in_file};
    Statement& message = sql_->insert_message;
    message.bind(1, id).bind_text(2, mail.message.queue_id).bind(3, static_cast<std::uint64_t>(envelope.received));
    message.bind_text(4, envelope.sender).bind(5, envelope.body_8bit ? flag_8bit : 0).bind(6, envelope.size);
    message.bind_text(7, envelope.client_ip).bind_text(8, envelope.client_name).bind_text(9, envelope.auth_user);
    if (in_file)
        message.bind_null(10);
    else
        message.bind_blob(10, body);
    RETURN_IF_ERROR(message.run());
    for (const Recipient& recipient : envelope.recipients) {
        Statement& row = sql_->insert_recipient;
        row.bind(1, id).bind_text(2, recipient.address).bind(3, static_cast<std::uint64_t>(recipient.kind));
        row.bind(4, static_cast<std::uint64_t>(envelope.received));
        RETURN_IF_ERROR(row.run());
        mail.rows.push_back({db_.last_row(), id, recipient.address, recipient.kind, 0, envelope.received});
    }
    return mail;
}

Status Spool::mark_delivered(std::uint64_t row, UnixTime now) {
    return sql_->finish_row.bind(1, 1).bind(2, static_cast<std::uint64_t>(now)).bind_text(3, "").bind(4, row).run();
}

Status Spool::mark_failed(std::uint64_t row, UnixTime now, std::string_view error) {
    return sql_->finish_row.bind(1, 2).bind(2, static_cast<std::uint64_t>(now)).bind_text(3, error).bind(4, row).run();
}

Status Spool::defer(std::uint64_t row, std::uint32_t attempts, UnixTime next_attempt, std::string_view error) {
    Statement& s = sql_->defer_row;
    s.bind(1, attempts).bind(2, static_cast<std::uint64_t>(next_attempt)).bind_text(3, error).bind(4, row);
    return s.run();
}

Status Spool::settle(std::uint64_t message) {
    {
        const StatementScope scope(sql_->waiting_row);
        auto waits = sql_->waiting_row.bind(1, message).step();
        if (!waits) return waits.error();
        if (*waits) return {};
    }
    {
        const StatementScope scope(sql_->body_file_of);
        auto in_file = sql_->body_file_of.bind(1, message).step();
        if (!in_file) return in_file.error();
        if (*in_file) unlink_after_commit_.emplace_back(sql_->body_file_of.text(0));
    }
    return sql_->delete_message.bind(1, message).run();
}

Result<std::uint64_t> Spool::remove(std::string_view queue_id) {
    std::uint64_t id = 0;
    {
        const StatementScope scope(sql_->message_by_name);
        auto found = sql_->message_by_name.bind_text(1, queue_id).step();
        if (!found) return found.error();
        if (!*found) return std::uint64_t{0};
        id = sql_->message_by_name.number(0);
    }
    RETURN_IF_ERROR(sql_->finish_all.bind(1, id).run());
    const std::uint64_t rows = db_.changes();
    RETURN_IF_ERROR(settle(id));
    return rows;
}

Result<std::uint64_t> Spool::make_due(std::string_view queue_id, UnixTime now) {
    Statement& s = sql_->make_due;
    RETURN_IF_ERROR(s.bind(1, static_cast<std::uint64_t>(now)).bind_text(2, queue_id).run());
    return db_.changes();
}

std::uint64_t Spool::log_size() const { return db_.log_pages() * page_octets; }

Status Spool::checkpoint() { return db_.checkpoint(); }
Status Spool::give_back_space() {
    auto free_pages = db_.number("PRAGMA freelist_count");
    if (!free_pages) return free_pages.error();
    return *free_pages < free_pages_to_keep ? Status() : db_.execute("PRAGMA incremental_vacuum(2000)");
}

} // namespace posada::smtpd
