// SPDX-License-Identifier: BSD-2-Clause
// A load of POP3 sessions from one process, for tests/bench/pop3.py: one epoll loop, TLS by OpenSSL with the version,
// cipher and group pinned, every reply checked, the announced size of every message too. Prints one line of JSON:
// seconds until all were logged in, seconds of the work, replies and octets in it. Modes:
//   login  connect, USER, PASS, QUIT, each after the reply before it; --total times by --sessions at once
//   list   log in, STAT, LIST, UIDL          retr   log in, RETR 1 to --messages, --depth of them under way
//   idle   log in, print, stay until standard input ends
// The work begins when all sessions are logged in. Session i is user PREFIXi.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned logins_at_once = 50;

struct Options { // of the command line
    std::string mode = "login", prefix = "u", password;
    unsigned port = 0, sessions = 1, total = 1, messages = 0, depth = 1;
    bool tls = false;
};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "pop3-load: %s\n", what.c_str());
    std::exit(1);
}

double seconds_since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

// One connection and the replies it waits for. Plain or TLS; never blocks.
class Wire {
  public:
    Wire(unsigned port, SSL_CTX* tls) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(port));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        if (fd_ < 0 || setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("socket");
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) fail("connect");
        if (tls == nullptr) return;
        ssl_ = SSL_new(tls);
        SSL_set_fd(ssl_, fd_);
        SSL_set_connect_state(ssl_);
    }
    ~Wire() {
        SSL_free(ssl_);
        ::close(fd_);
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    // Octets; 0 = end, -1 = nothing now.
    ssize_t read(char* to, std::size_t size) {
        if (ssl_ == nullptr) {
            const ssize_t n = ::recv(fd_, to, size, 0);
            return n < 0 && errno != EAGAIN ? 0 : n;
        }
        const int n = SSL_read(ssl_, to, static_cast<int>(size));
        if (n > 0) return n;
        const int why = SSL_get_error(ssl_, n);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : 0;
    }
    // Commands are small, the buffer of the socket is not: what does not fit stays for the next call.
    void write(std::string_view text) {
        unsent_ += text;
        flush();
    }
    void flush() {
        if (unsent_.empty()) return;
        const auto size = unsent_.size();
        const ssize_t n = ssl_ == nullptr ? ::send(fd_, unsent_.data(), size, MSG_NOSIGNAL)
                                          : SSL_write(ssl_, unsent_.data(), static_cast<int>(size));
        if (n > 0) unsent_.erase(0, static_cast<std::size_t>(n));
    }

  private:
    int fd_;
    SSL* ssl_ = nullptr;
    std::string unsent_;
};

enum class Reply : unsigned char { line, list, message };

// Cuts replies out of the stream. A message is skipped by its announced size and must end right behind it.
class Replies {
  public:
    void expect(Reply what) { expected_.push_back(what); }
    [[nodiscard]] std::size_t waiting() const { return expected_.size(); }
    [[nodiscard]] std::uint64_t octets() const { return octets_; }
    [[nodiscard]] char* space() { return buffer_.get() + end_; }
    [[nodiscard]] std::size_t room() const { return capacity - end_; }
    void filled(std::size_t n) {
        end_ += n;
        octets_ += n;
    }
    // True: the reply that was waited for longest is complete.
    bool next() {
        const bool done = !expected_.empty() && (in_body_ || status_line()) && body();
        if (done) {
            expected_.pop_front();
            in_body_ = false;
        }
        if (begin_ == end_) {
            begin_ = end_ = 0;
        } else if (!done && begin_ != 0) {
            std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        return done;
    }

  private:
    static constexpr std::size_t capacity = 64 * 1024;
    [[nodiscard]] std::string_view rest() const { return {buffer_.get() + begin_, end_ - begin_}; }

    bool status_line() {
        const std::size_t lf = rest().find('\n');
        if (lf == std::string_view::npos) return false;
        if (!rest().starts_with("+OK")) fail("refused: " + std::string(rest().substr(0, lf)));
        if (expected_.front() == Reply::message)
            left_ = std::strtoull(std::string(rest().substr(4, lf)).c_str(), nullptr, 10);
        begin_ += expected_.front() == Reply::list ? lf : lf + 1; // a list may end in the line behind this one
        return in_body_ = true;
    }
    bool body() {
        if (expected_.front() == Reply::line) return true;
        if (expected_.front() == Reply::message) return message_body();
        const std::size_t at = rest().find("\n.\r\n");
        if (at == std::string_view::npos) {
            if (rest().size() > 3) begin_ = end_ - 3;
            return false;
        }
        begin_ += at + 4;
        return true;
    }
    bool message_body() {
        const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest().size()));
        begin_ += n;
        left_ -= n;
        if (left_ != 0 || rest().size() < 3) return false;
        if (!rest().starts_with(".\r\n")) fail("a message is longer than announced");
        begin_ += 3;
        return true;
    }

    std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(capacity);
    std::size_t begin_ = 0, end_ = 0;
    std::deque<Reply> expected_;
    bool in_body_ = false;
    std::uint64_t left_ = 0, octets_ = 0;
};

class Load;

class Session {
  public:
    Session(Load& load, unsigned index) : load_(load), index_(index) {}
    void open();
    void turn();
    void work();
    void leave();

  private:
    void say(const std::string& line, Reply reply) {
        replies_->expect(reply);
        wire_->write(line + "\r\n");
    }
    void answered();
    void ask_messages();

    Load& load_;
    unsigned index_;
    unsigned step_ = 0, asked_ = 0, got_ = 0;
    std::unique_ptr<Wire> wire_;
    std::unique_ptr<Replies> replies_;
};

class Load {
  public:
    explicit Load(const Options& chosen) : options(chosen) {
        if (!options.tls) return;
        tls = SSL_CTX_new(TLS_client_method());
        if (SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
            SSL_CTX_set_ciphersuites(tls, "TLS_AES_256_GCM_SHA384") != 1 ||
            SSL_CTX_set1_groups_list(tls, "X25519") != 1)
            fail("TLS");
    }
    int run() {
        began = Clock::now();
        for (unsigned i = 0; i < options.sessions; ++i) sessions.push_back(std::make_unique<Session>(*this, i));
        while (opened < options.sessions && opened < logins_at_once) sessions[opened++]->open();
        epoll_event events[512];
        while (finished < options.sessions) {
            const int n = ::epoll_wait(epoll, events, 512, 60'000);
            if (n == 0) fail("nothing happened for 60 s");
            for (int i = 0; i < n; ++i) static_cast<Session*>(events[i].data.ptr)->turn();
        }
        if (options.mode == "login") report(seconds_since(began));
        return 0;
    }
    void logged_in() {
        if (opened < options.sessions) sessions[opened++]->open();
        if (++ready < options.sessions) return;
        login_seconds = seconds_since(began);
        if (options.mode == "idle") {
            report(0);
            while (std::getchar() != EOF) {
            }
        }
        work_began = Clock::now();
        for (const auto& session : sessions) session->work();
    }
    void worked() {
        if (++done < options.sessions) return;
        if (options.mode != "idle") report(seconds_since(work_began));
        for (const auto& session : sessions) session->leave();
    }
    void report(double work) const {
        std::printf("{\"login\": %.6f, \"work\": %.6f, \"replies\": %llu, \"octets\": %llu}\n", login_seconds, work,
                    static_cast<unsigned long long>(replies), static_cast<unsigned long long>(octets));
        std::fflush(stdout);
    }

    const Options& options;
    SSL_CTX* tls = nullptr;
    int epoll = ::epoll_create1(0);
    unsigned opened = 0, ready = 0, done = 0, finished = 0;
    std::uint64_t replies = 0, octets = 0;
    double login_seconds = 0;
    Clock::time_point began, work_began;
    std::vector<std::unique_ptr<Session>> sessions;
};

void Session::open() {
    wire_ = std::make_unique<Wire>(load_.options.port, load_.tls);
    replies_ = std::make_unique<Replies>();
    replies_->expect(Reply::line);
    step_ = 0;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = this;
    if (::epoll_ctl(load_.epoll, EPOLL_CTL_ADD, wire_->fd(), &event) != 0) fail("epoll_ctl");
}

void Session::turn() {
    if (!wire_) return;
    wire_->flush();
    while (wire_ && replies_->waiting() != 0) {
        const ssize_t n = wire_->read(replies_->space(), replies_->room());
        if (n < 0) return;
        if (n == 0) fail("the server closed the connection");
        replies_->filled(static_cast<std::size_t>(n));
        while (wire_ && replies_->next()) answered();
    }
}

void Session::answered() {
    const Options& options = load_.options;
    const std::string user = options.prefix + std::to_string(index_);
    switch (step_++) {
    case 0: return say("USER " + user, Reply::line);
    case 1: return say("PASS " + options.password, Reply::line);
    case 2: return options.mode == "login" ? leave() : load_.logged_in();
    default: break;
    }
    if (load_.options.mode == "login" || load_.done == options.sessions) { // QUIT is answered
        wire_.reset();
        ++load_.replies;
        if (options.mode == "login" && load_.opened < options.total) {
            ++load_.opened;
            return open();
        }
        ++load_.finished;
        return;
    }
    ++load_.replies;
    ++got_;
    if (options.mode == "list") {
        if (got_ == 1) return say("LIST", Reply::list);
        if (got_ == 2) return say("UIDL", Reply::list);
    } else {
        if (asked_ < options.messages && replies_->waiting() <= options.depth / 2) ask_messages();
        if (got_ < options.messages) return;
    }
    load_.octets += replies_->octets();
    load_.worked();
}

void Session::work() {
    if (load_.options.mode == "list") return say("STAT", Reply::line);
    if (load_.options.mode == "retr") return ask_messages();
    load_.worked();
}

void Session::ask_messages() {
    std::string commands;
    while (asked_ < load_.options.messages && replies_->waiting() < load_.options.depth) {
        commands += "RETR " + std::to_string(++asked_) + "\r\n";
        replies_->expect(Reply::message);
    }
    wire_->write(commands);
}

void Session::leave() { say("QUIT", Reply::line); }

Options parse(int argc, char** argv) {
    Options out;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--tls") {
            out.tls = true;
            continue;
        }
        if (i + 1 == argc) fail(name + " needs a value");
        const char* value = argv[++i];
        const auto number = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
        if (name == "--mode")
            out.mode = value;
        else if (name == "--prefix")
            out.prefix = value;
        else if (name == "--password")
            out.password = value;
        else if (name == "--port")
            out.port = number;
        else if (name == "--sessions")
            out.sessions = number;
        else if (name == "--total")
            out.total = number;
        else if (name == "--messages")
            out.messages = number;
        else if (name == "--depth")
            out.depth = number;
        else
            fail("unknown option " + name);
    }
    if (out.mode == "retr" && out.messages == 0) fail("retr needs --messages");
    return out;
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const Options options = parse(argc, argv);
    return Load(options).run();
}
