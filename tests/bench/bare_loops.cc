// SPDX-License-Identifier: BSD-2-Clause
// The limit the disk sets: what the two ways of making a 4 KiB message durable cost with nothing around them.
// bare-loops DIR: prints messages per second of a file each, and of SQLite transactions of 1, 5, 20 and 100 messages.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr std::size_t message_size = 4096;
const std::string message(message_size, 'x');

double per_second(int count, std::chrono::steady_clock::time_point began) {
    return count / std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void check(bool good, const char* what) {
    if (good) return;
    std::perror(what);
    std::exit(1);
}

// Exim's promise: write, fsync, rename, fsync of the directory.
void file_each(const std::string& dir, int count) {
    const int folder = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY);
    check(folder >= 0, "open");
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        const std::string name = "m" + std::to_string(i);
        const int fd = ::openat(folder, "tmp", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        check(::write(fd, message.data(), message.size()) == static_cast<ssize_t>(message.size()), "write");
        check(::fsync(fd) == 0 && ::close(fd) == 0, "fsync");
        check(::renameat(folder, "tmp", folder, name.c_str()) == 0 && ::fsync(folder) == 0, "rename");
    }
    std::printf("bare: a file each, fsync, rename, fsync of the directory   %7.0f/s\n", per_second(count, began));
    for (int i = 0; i < count; ++i) ::unlinkat(folder, ("m" + std::to_string(i)).c_str(), 0);
    ::close(folder);
}

void run(sqlite3* db, const char* sql) { check(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sql); }

void sqlite_batches(const std::string& dir, int per_transaction, int transactions) {
    const std::string path = dir + "/bare.db";
    sqlite3* db = nullptr;
    check(sqlite3_open(path.c_str(), &db) == SQLITE_OK, "sqlite3_open");
    run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE m(id INTEGER PRIMARY KEY, body BLOB)");
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db, "INSERT INTO m(body) VALUES(?)", -1, &insert, nullptr);
    const auto began = std::chrono::steady_clock::now();
    for (int t = 0; t < transactions; ++t) {
        run(db, "BEGIN");
        for (int i = 0; i < per_transaction; ++i) {
            sqlite3_bind_blob(insert, 1, message.data(), static_cast<int>(message.size()), SQLITE_STATIC);
            check(sqlite3_step(insert) == SQLITE_DONE, "insert");
            sqlite3_reset(insert);
        }
        run(db, "COMMIT");
    }
    std::printf("bare: SQLite WAL synchronous=FULL, %3d per transaction       %7.0f/s\n", per_transaction,
                per_second(transactions * per_transaction, began));
    sqlite3_finalize(insert);
    sqlite3_close(db);
    for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path + suffix).c_str());
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    const std::string dir = std::string(argv[1]) + "/bare";
    check(::mkdir(dir.c_str(), 0700) == 0 || errno == EEXIST, "mkdir");
    file_each(dir, 1000);
    sqlite_batches(dir, 1, 1000);
    sqlite_batches(dir, 5, 400);
    sqlite_batches(dir, 20, 200);
    sqlite_batches(dir, 100, 100);
    ::rmdir(dir.c_str());
    return 0;
}
