// SPDX-License-Identifier: BSD-2-Clause
// Recorder: every change that this process makes below one directory, and every sync, in order. recorder_calls.cc puts
// itself in front of the C library's functions, so SQLite's writes are seen like our own. While nothing is recorded the
// calls go straight through.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace posada::crash {

using ObjectId = std::uint32_t; // a file or directory, whatever its names
constexpr ObjectId root_object = 0;

struct Node {
    bool directory = false;
    std::string content;
    std::map<std::string, ObjectId> entries;
};
using Image = std::map<ObjectId, Node>; // a file system; root_object is its top

struct Event {
    enum class Kind : std::uint8_t { create, make_directory, erase, move, write, truncate, sync, sync_all, mark };
    Kind kind;
    ObjectId object = 0;    // what is created, written, synced, named
    ObjectId directory = 0; // where its name is; move: where it goes
    std::string name{};     // mark: its text
    ObjectId from_directory = 0;
    std::string from_name{};
    std::uint64_t offset = 0; // truncate: the new size
    std::string data{};
};

struct Recording {
    Image before;
    std::vector<Event> events;
    std::map<ObjectId, std::string> paths; // first name of each object, below the root: "state/spool.db-wal"
};

// Takes the present state of root as durable and records from here on. One at a time, one thread.
void start_recording(const std::string& root);
Recording stop_recording();
// A moment that the world outside has seen: "ack 17".
void record_mark(std::string_view text);
Image read_image(const std::string& root, std::map<ObjectId, std::string>* paths = nullptr);

// The at-th of the recorded calls from now on fails with this errno, once; 0 = none does.
void plan_fault(unsigned long at, int error);
bool fault_happened() noexcept;
// From now on nothing can be created or written below the root; taking away and renaming go on.
void fill_disk(bool full);

// ---- what recorder_calls.cc asks and reports ----
bool disk_full(int fd) noexcept;
bool disk_full(int directory_fd, const char* path) noexcept;
int fault_of(int fd) noexcept; // errno to fail with, 0 = go on
int fault_of(int directory_fd, const char* path) noexcept;
bool recording() noexcept;
void saw_create(int directory_fd, const char* path, bool is_directory);
void saw_erase(int directory_fd, const char* path);
void saw_rename(int from_fd, const char* from, int to_fd, const char* to);
void saw_write(int fd, std::uint64_t offset, std::string_view data);
void saw_truncate(int fd, std::uint64_t size);
void saw_sync(int fd);
void saw_sync_all(int fd);

} // namespace posada::crash
