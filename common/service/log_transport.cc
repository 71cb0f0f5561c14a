// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/log_transport.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <optional>

#include "common/base/text.h"

namespace posada::service {

namespace {

constexpr char journal_path[] = "/run/systemd/journal/socket";
constexpr char syslog_path[] = "/dev/log";
constexpr int facility_daemon = 3 << 3; // RFC 3164

UniqueFd connect_datagram(const char* path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fd.reset();
    return fd;
}

// Drops lines below the wanted level before they reach the real sink.
class FilteredSink final : public LogSink {
  public:
    FilteredSink(std::unique_ptr<LogSink> next, LogLevel least) : next_(std::move(next)), least_(least) {}
    void write(const LogEvent& event, std::string_view line) noexcept override {
        if (event.level >= least_) next_->write(event, line);
    }

  private:
    std::unique_ptr<LogSink> next_;
    LogLevel least_;
};

// RFC 3164 as /dev/log readers expect it: "<PRI>ident[pid]: line"; the reader adds the time.
class SyslogSink final : public LogSink {
  public:
    SyslogSink(UniqueFd fd, std::string ident) : fd_(std::move(fd)), ident_(std::move(ident)) {}
    void write(const LogEvent& event, std::string_view line) noexcept override {
        std::string out = "<" + std::to_string(facility_daemon + syslog_priority(event.level)) + ">" + ident_ + "[" +
                          std::to_string(::getpid()) + "]: ";
        out.append(line);
        if (::send(fd_.get(), out.data(), out.size(), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            fd_ = connect_datagram(syslog_path); // the syslog daemon was restarted
    }

  private:
    UniqueFd fd_;
    std::string ident_;
};

// systemd's native protocol: KEY=VALUE lines in one datagram. Lines of ours hold no newline, so no length-prefixed
// form.
class JournalSink final : public LogSink {
  public:
    JournalSink(UniqueFd fd, std::string ident) : fd_(std::move(fd)), ident_(std::move(ident)) {}
    void write(const LogEvent& event, std::string_view line) noexcept override {
        std::string out = "PRIORITY=" + std::to_string(syslog_priority(event.level)) + "\nSYSLOG_IDENTIFIER=" + ident_ +
                          "\nPOSADA_EVENT=" + std::string(event.id) + "\nMESSAGE=";
        out.append(line).append("\n");
        if (::send(fd_.get(), out.data(), out.size(), MSG_NOSIGNAL) < 0) return;
    }

  private:
    UniqueFd fd_;
    std::string ident_;
};

bool stderr_is_journal() {
    const char* stream = ::getenv("JOURNAL_STREAM");
    struct stat st {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &st) != 0) return false;
    return std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino) == stream;
}

// Nobody reads it: a daemon started by inetd (launch/endpoints.h).
bool stderr_is_null() {
    struct stat ours {};
    struct stat null {};
    return ::fstat(STDERR_FILENO, &ours) == 0 && ::stat("/dev/null", &null) == 0 && ours.st_rdev == null.st_rdev &&
           S_ISCHR(ours.st_mode);
}

std::unique_ptr<LogSink> open_sink(LogTarget target, const std::string& ident) {
    const bool journal = target == LogTarget::journal || (target == LogTarget::automatic && stderr_is_journal());
    if (journal) {
        if (UniqueFd fd = connect_datagram(journal_path); fd.valid())
            return std::make_unique<JournalSink>(std::move(fd), ident);
    }
    if (target == LogTarget::syslog || (target == LogTarget::automatic && stderr_is_null())) {
        if (UniqueFd fd = connect_datagram(syslog_path); fd.valid())
            return std::make_unique<SyslogSink>(std::move(fd), ident);
    }
    return std::make_unique<StderrSink>(ident);
}

std::string strip_controls(std::string_view line) {
    std::string out;
    for (const char c : line) {
        const auto b = static_cast<unsigned char>(c);
        if (b < 32 || b >= 127) {
            out.append("\\x").append(hex(std::string_view(&c, 1)));
        } else {
            out.push_back(c);
        }
    }
    return out;
}

pid_t sender_of(msghdr& msg) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&msg); c != nullptr; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
        ucred who{};
        std::memcpy(&who, CMSG_DATA(c), sizeof who);
        return who.pid;
    }
    return 0;
}

LogRecord check_record(pid_t pid, std::string_view line) {
    LogRecord record{pid, find_log_event(split_word(line).first), strip_controls(line)};
    if (record.event != nullptr && !record.event->monitor_only) return record;
    record.event = &event::privilege_breach;
    record.line = format_log(event::privilege_breach, {{"what", "forged log event"}, {"record", record.line}});
    return record;
}

} // namespace

void RecordSink::write(const LogEvent&, std::string_view line) noexcept {
    line = line.substr(0, max_log_record);
    if (::send(fd_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
}

Result<std::pair<UniqueFd, UniqueFd>> make_log_pair() {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair;
    const int on = 1;
    if (::setsockopt(pair->first.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return errno_error("SO_PASSCRED");
    RETURN_IF_ERROR(set_nonblocking(pair->first.get(), true));
    return pair;
}

Result<std::optional<LogRecord>> receive_log_record(int fd) {
    char line[max_log_record];
    iovec part{line, sizeof line};
    // Room for the credentials only: descriptors sent along are discarded by the kernel.
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    msghdr msg{};
    msg.msg_iov = &part;
    msg.msg_iovlen = 1;
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<LogRecord>();
    if (n < 0) return errno_error("log receive");
    if (n == 0) return Error{Errc::closed, 0, "log socket closed"};
    return std::optional<LogRecord>(check_record(sender_of(msg), std::string_view(line, static_cast<std::size_t>(n))));
}

std::unique_ptr<LogSink> make_log_sink(LogTarget target, std::string_view ident, LogLevel least) {
    return std::make_unique<FilteredSink>(open_sink(target, std::string(ident)), least);
}

} // namespace posada::service
