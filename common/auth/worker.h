// SPDX-License-Identifier: BSD-2-Clause
// A process per piece of blocking work (PAM, crypt). The child has nothing open but its result pipe and the log, leads
// its own process group, and dies with its parent. No event loop here: the owner watches fd() and keeps the deadline.
// A worker that has checked a login may go on as the user's agent, which saves a process (JobDone::then).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::auth {

constexpr std::size_t max_worker_result = 64 * 1024;

class WorkerPool;

// What a job leaves behind.
struct JobDone {
    JobDone(std::string bytes) : result(std::move(bytes)) {} // implicit: most jobs have a result and no more
    JobDone(std::string bytes, std::function<int()> next) : result(std::move(bytes)), then(std::move(next)) {}
    std::string result;
    // Runs once the result is sent, without the deadline; its value is the exit status. Empty = the worker exits.
    std::function<int()> then;
};

// One running worker; destroying it kills the worker and everything it started.
class Worker {
  public:
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    [[nodiscard]] int fd() const { return result_.get(); } // non-blocking; readable = call read()
    [[nodiscard]] pid_t pid() const { return pid_; }
    // nullopt: not finished. Else what the job returned; Errc::unavailable when it died without a whole result.
    std::optional<Result<std::string>> read();
    // It goes on with JobDone::then, as a process of its own: not counted any more, in its starter's process group
    // again, and for the caller to reap. To be called once, after the result.
    pid_t release();

  private:
    friend class WorkerPool;
    Worker(WorkerPool& pool, pid_t pid, UniqueFd result) : pool_(pool), pid_(pid), result_(std::move(result)) {}
    WorkerPool& pool_;
    pid_t pid_;
    UniqueFd result_;
    std::string bytes_;
};

// At most `most` at once, counting killed ones that the kernel has not let go yet. Outlives its workers.
class WorkerPool {
  public:
    using Job = std::function<JobDone()>; // runs in the child
    // log_fd: kept open in the child; -1 = none. lifetime: the child is killed by its own timer after this, whatever
    // the owner does.
    WorkerPool(unsigned most, Millis lifetime, int log_fd) : most_(most), lifetime_(lifetime), log_fd_(log_fd) {}
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    // Errc::limit: `most` are running. Errc::unavailable: no process or descriptor left.
    // keep: descriptors that stay open in the child, for JobDone::then.
    Result<std::unique_ptr<Worker>> start(const Job& job, std::span<const int> keep = {});
    [[nodiscard]] unsigned running() const { return running_ + static_cast<unsigned>(dying_.size()); }
    [[nodiscard]] std::size_t dying() const { return dying_.size(); } // over, but not yet reaped
    [[nodiscard]] bool full() const { return running() >= most_; }
    void reap(); // lets go of killed workers; start() does it too

    static unsigned default_size(); // 4 x cores

  private:
    friend class Worker;
    void finished(pid_t pid);
    void released() { --running_; }
    unsigned most_;
    Millis lifetime_;
    int log_fd_;
    unsigned running_ = 0;
    std::vector<pid_t> dying_;
};

} // namespace posada::auth
