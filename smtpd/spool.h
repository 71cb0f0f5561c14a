// SPDX-License-Identifier: BSD-2-Clause
// Spool: the mail that we answer for, on stable storage: spool.db (SQLite, WAL, synchronous=FULL) and, for messages
// above max_blob, one file each under bodies/. One process, one writer. Nothing counts before commit() has returned.
// After an error other than no_space and busy the object must not be used again: exit, open anew (a failed fsync is
// never tried a second time: the kernel has dropped the pages).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "smtpd/queue_protocol.h"
#include "smtpd/sqlite.h"

namespace posada::smtpd {

constexpr std::uint64_t max_blob = 256 * 1024;

struct SpoolMessage {
    std::uint64_t id = 0;
    std::string queue_id;
    std::string sender;
    bool body_8bit = false;
    UnixTime received = 0;
    std::uint64_t size = 0;
    bool in_file = false;
};

struct StoredRow {
    std::uint64_t row = 0;
    std::uint64_t message = 0;
    std::string address;
    RecipientKind kind = RecipientKind::local;
    std::uint32_t attempts = 0;
    UnixTime next_attempt = 0;
};

struct StoredMail {
    SpoolMessage message;
    std::vector<StoredRow> rows;
};

// A large body while it arrives: appended part by part, on disk at the commit that names it.
class BodyFile {
  public:
    BodyFile() = default;
    Status append(int memfd, std::uint64_t size);
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::uint64_t id() const { return id_; }

  private:
    friend class Spool;
    std::uint64_t id_ = 0; // of the message to be
    std::uint64_t size_ = 0;
    UniqueFd fd_;
};

struct SpoolCounts {
    std::uint64_t messages = 0;
    std::uint64_t waiting = 0;
    std::uint64_t orphans = 0; // body files without a row, removed by open()
};

class Spool {
  public:
    // Creates what is missing, migrates, removes orphans.
    static Result<std::unique_ptr<Spool>> open(const std::string& directory, const Clock& clock);
    [[nodiscard]] const SpoolCounts& found() const { return found_; } // at open

    // ---- within a transaction ----
    Status begin();
    Status commit();
    void rollback();
    [[nodiscard]] bool in_transaction() const { return db_.in_transaction(); }

    Result<StoredMail> insert(const Envelope& envelope, std::string_view body);
    Result<BodyFile> new_body_file();
    // Syncs the file and its directory entry, then inserts. After rollback() the file is to be discarded.
    Result<StoredMail> insert(const Envelope& envelope, BodyFile& body);
    void discard(BodyFile& body);

    Status mark_delivered(std::uint64_t row, UnixTime now);
    Status mark_failed(std::uint64_t row, UnixTime now, std::string_view error);
    Status defer(std::uint64_t row, std::uint32_t attempts, UnixTime next_attempt, std::string_view error);
    // Deletes the message when none of its rows waits any more.
    Status settle(std::uint64_t message);
    Result<std::uint64_t> remove(std::string_view queue_id);                 // rows
    Result<std::uint64_t> make_due(std::string_view queue_id, UnixTime now); // "" = all; rows

    // ---- reading ----
    // Waiting rows that are due, oldest appointment first.
    Result<std::vector<StoredRow>> due(UnixTime now, std::uint32_t most);
    Result<UnixTime> next_appointment(UnixTime after); // 0 = none
    Result<SpoolMessage> message(std::uint64_t id);
    Result<std::string> body(std::uint64_t message); // of a message that is not in a file
    Result<UniqueFd> open_body(const SpoolMessage& message);
    // The first octets of any message.
    Result<std::string> head(const SpoolMessage& message, std::size_t most);
    Result<std::vector<QueueEntry>> list(std::uint64_t after_row, std::uint32_t most);
    Result<QueueStats> stats(UnixTime now);

    // ---- upkeep, off the commit path ----
    [[nodiscard]] std::uint64_t log_size() const; // octets written to spool.db-wal since it last began anew
    Status checkpoint();
    Status give_back_space(); // a bounded number of free pages to the file system, if there are many

  private:
    explicit Spool(const Clock& clock) : clock_(clock) {}
    Status open_database();
    Status prepare_statements();
    Status find_orphans();
    std::uint64_t new_id();
    Result<StoredMail> insert_rows(const Envelope& envelope, std::uint64_t id, std::string_view body, bool in_file);
    [[nodiscard]] std::string body_path(std::string_view queue_id) const;

    const Clock& clock_;
    std::string directory_;
    UniqueFd directory_fd_;
    UniqueFd bodies_fd_;
    Database db_;
    SpoolCounts found_;
    std::uint64_t last_id_ = 0;
    std::vector<std::string> unlink_after_commit_;
    struct Statements;
    struct StatementsDeleter {
        void operator()(Statements* s) const noexcept;
    };
    std::unique_ptr<Statements, StatementsDeleter> sql_;
};

// "BCDF2GH34JKL": the message's number (microseconds since 1970 at the earliest) in 32 letters and digits that make no
// words and survive case folding.
std::string queue_id_text(std::uint64_t id);

} // namespace posada::smtpd
