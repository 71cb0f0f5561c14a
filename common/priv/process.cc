// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/fd.h"

namespace posada::priv {

namespace {

// Passed on to an exec'd program when set.
constexpr const char* passed_variables[] = {"TZ", "POSADA_LANDLOCK_ABI_MAX", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                            "LSAN_OPTIONS"};
constexpr int first_mapped_fd = 3;

std::vector<std::string> minimal_environment() {
    // LD_BIND_NOW: what the linker looks up at the start it does not look up in every fork.
    std::vector<std::string> out{"PATH=/usr/bin:/bin", "LD_BIND_NOW=1"};
    for (const char* name : passed_variables)
        if (const char* value = ::getenv(name); value != nullptr) out.push_back(std::string(name) + "=" + value);
    return out;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> out;
    for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
    out.push_back(nullptr);
    return out;
}

// Sources first move above every target, so that no dup2 overwrites one still needed.
Status map_descriptors(std::span<const FdMapping> fds) {
    int above = first_mapped_fd;
    for (const FdMapping& m : fds) above = std::max(above, m.to + 1);
    std::vector<UniqueFd> moved;
    for (const FdMapping& m : fds) {
        if (m.to < first_mapped_fd) return Error{Errc::invalid, 0, "descriptors 0-2 are not mapped"};
        moved.emplace_back(::fcntl(m.from, F_DUPFD_CLOEXEC, above));
        if (!moved.back().valid()) return errno_error("dup of descriptor " + std::to_string(m.from));
    }
    // What is left open in this process is for its own last words (a log socket); exec closes it.
    if (::close_range(first_mapped_fd, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return errno_error("close_range");
    for (std::size_t i = 0; i < moved.size(); ++i)
        if (::dup2(moved[i].get(), fds[i].to) < 0) return errno_error("dup2");
    return {};
}

} // namespace

Status null_standard_input_output() {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid()) return errno_error("/dev/null");
    if (::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(null.get(), STDOUT_FILENO) < 0) return errno_error("dup2");
    return {};
}

Error exec_program(const std::string& path, const std::vector<std::string>& argv, std::span<const FdMapping> fds) {
    if (const Status null = null_standard_input_output(); !null) return null.error();
    if (const Status mapped = map_descriptors(fds); !mapped) return mapped.error();
    ::signal(SIGPIPE, SIG_DFL);
    const std::vector<std::string> environment = minimal_environment();
    ::execve(path.c_str(), pointers(argv).data(), pointers(environment).data());
    return errno_error(path);
}

void Reaper::add(pid_t pid, OnExit on_exit) { children_[pid] = std::move(on_exit); }

void Reaper::forget(pid_t pid) {
    const auto child = children_.find(pid);
    if (child != children_.end()) child->second = nullptr;
}

void Reaper::reap_one(pid_t pid) {
    int status = 0;
    const pid_t got = ::waitpid(pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno != ECHILD)) return;
    const auto child = children_.find(pid);
    if (child == children_.end()) return;
    const OnExit on_exit = std::move(child->second);
    children_.erase(child);
    // ECHILD: somebody else took its status. That is a mistake elsewhere, and still the child's end.
    if (on_exit) on_exit(got == pid ? status : W_EXITCODE(127, 0));
}

// Asks the kernel who has ended instead of asking of each child, of which there may be thousands. True: one of ours.
bool Reaper::reap_ended() {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
    if (info.si_pid == 0 || children_.find(info.si_pid) == children_.end()) return false;
    reap_one(info.si_pid);
    return true;
}

void Reaper::reap() {
    bool any = false;
    while (reap_ended()) any = true;
    if (any) return;
    // Somebody else's child stands in front, or a status was taken from us.
    std::vector<pid_t> pids;
    for (const auto& [pid, on_exit] : children_) pids.push_back(pid);
    for (const pid_t pid : pids) reap_one(pid);
}

} // namespace posada::priv
