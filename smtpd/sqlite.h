// SPDX-License-Identifier: BSD-2-Clause
// SQLite behind two owners, Database and Statement, with our Result instead of its codes: full disk, busy and "the
// disk is lying" call for different answers. Text and blobs are bound without a copy: they must live until reset().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace posada::smtpd {

class Statement {
  public:
    Statement() = default;
    // Numbered from 1.
    Statement& bind(int index, std::uint64_t value);
    Statement& bind_text(int index, std::string_view value);
    Statement& bind_blob(int index, std::string_view value);
    Statement& bind_null(int index);
    // True: there is a row.
    Result<bool> step();
    // For statements without rows: step to the end, then reset.
    Status run();
    void reset();
    [[nodiscard]] std::uint64_t number(int column) const;
    [[nodiscard]] std::string_view text(int column) const; // valid until the next step or reset
    [[nodiscard]] bool null(int column) const;

  private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Resets the statement at the end of a scope: an unfinished read would hold an old snapshot and stop checkpoints.
class StatementScope {
  public:
    explicit StatementScope(Statement& statement) : statement_(statement) {}
    ~StatementScope() { statement_.reset(); }
    StatementScope(const StatementScope&) = delete;
    StatementScope& operator=(const StatementScope&) = delete;

  private:
    Statement& statement_;
};

class Database {
  public:
    static Result<Database> open(const std::string& path);
    // no_space: the disk is full, the transaction is gone. busy: somebody else writes. corrupt, io: stop using it.
    Status execute(const char* sql);
    Result<Statement> prepare(std::string_view sql);
    Result<std::uint64_t> number(const char* sql); // first column of the first row
    [[nodiscard]] std::uint64_t last_row() const;
    [[nodiscard]] std::uint64_t changes() const;
    [[nodiscard]] bool in_transaction() const;
    // Copies what it can from the log into the database without waiting for anybody.
    Status checkpoint();
    // Pages in the log since it last began anew, as of the last commit.
    [[nodiscard]] std::uint64_t log_pages() const { return *log_pages_; }

  private:
    struct Close {
        void operator()(sqlite3* db) const noexcept;
    };
    std::unique_ptr<std::uint64_t> log_pages_; // SQLite keeps its address
    std::unique_ptr<sqlite3, Close> db_;
};

} // namespace posada::smtpd
