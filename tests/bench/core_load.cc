// SPDX-License-Identifier: BSD-2-Clause
// What one connection, handshake or request costs, seen by a client: for tests/bench/core.py. Modes:
//   greet   connect, wait for the first octets, end; --total times by --clients threads, --pause microseconds between
//   tls     the same until the handshake is done (--version 12|13, --resume: with the session of the connection
//   before);
//           --say goes out before the first octets are waited for, for servers that do not greet
//   ask     one connection, --total lines of --line, each after the answer to the one before
//   idle    --clients connections (--tls: with TLS), print, stay until standard input ends
//   bare    serve --port with nothing but a greeting, as the floor: --line one (one process accepts and greets), two
//   (one
//           accepts and hands the socket to the other, as launcher and net program do), fork (a process each)
//   inetd   listen on --port and start the words behind `--` for each connection, as inetd does; until killed
// Prints one line of JSON: seconds in all, and median, 99th percentile of one time, in microseconds.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options { // of the command line
    std::string mode = "greet", line = "ECHO x";
    unsigned port = 0, clients = 1, total = 1, pause = 0, version = 13;
    bool resume = false, tls = false, say = false;
    char** program = nullptr;
};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "core-load: %s\n", what.c_str());
    std::exit(1);
}

sockaddr_in address(unsigned port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

// One blocking connection.
class Wire {
  public:
    explicit Wire(unsigned port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const sockaddr_in to = address(port);
        const int on = 1;
        const timeval patience{20, 0};
        (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
    }
    ~Wire() {
        if (ssl_ != nullptr) {
            SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); // else its session would not be resumed
            SSL_free(ssl_);
        }
        ::close(fd_);
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    void start_tls(SSL_CTX* context, SSL_SESSION* session) {
        ssl_ = SSL_new(context);
        SSL_set_fd(ssl_, fd_);
        if (session != nullptr) SSL_set_session(ssl_, session);
        if (SSL_connect(ssl_) != 1) fail("handshake");
        if (session != nullptr && SSL_session_reused(ssl_) != 1) fail("the session was not resumed");
    }
    // Something has come, and with it, in TLS 1.3, the ticket.
    bool read_some() {
        char buffer[4096];
        return (ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer)
                                : static_cast<int>(::recv(fd_, buffer, sizeof buffer, 0))) > 0;
    }
    void write(const std::string& text) {
        const int size = static_cast<int>(text.size());
        const int sent = ssl_ != nullptr ? SSL_write(ssl_, text.data(), size)
                                         : static_cast<int>(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL));
        if (sent != size) fail("send");
    }
    [[nodiscard]] SSL_SESSION* session() const { return SSL_get1_session(ssl_); }

  private:
    int fd_;
    SSL* ssl_ = nullptr;
};

SSL_CTX* tls_context(unsigned version) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    const int wanted = version == 12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    if (SSL_CTX_set_min_proto_version(context, wanted) != 1 || SSL_CTX_set_max_proto_version(context, wanted) != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519:P-256") != 1)
        fail("TLS");
    return context;
}

// Times of all threads, in microseconds.
class Times {
  public:
    void add(const std::vector<double>& more) {
        const std::lock_guard<std::mutex> lock(mutex_);
        all_.insert(all_.end(), more.begin(), more.end());
    }
    void report(double seconds) {
        std::sort(all_.begin(), all_.end());
        const auto at = [&](double share) {
            return all_.empty() ? 0 : all_[static_cast<std::size_t>(share * static_cast<double>(all_.size() - 1))];
        };
        std::printf("{\"seconds\": %.6f, \"p50\": %.1f, \"p99\": %.1f}\n", seconds, at(0.5), at(0.99));
        std::fflush(stdout);
    }

  private:
    std::mutex mutex_;
    std::vector<double> all_;
};

double micros_since(Clock::time_point began) {
    return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

// One thread of greet and tls. The server's first octets end a time; what its exit costs falls into the pause.
void connect_again_and_again(const Options& options, std::atomic<unsigned>& left, Times& times) {
    SSL_CTX* context = options.mode == "tls" ? tls_context(options.version) : nullptr;
    SSL_SESSION* session = nullptr;
    std::vector<double> mine;
    while (left.fetch_sub(1) - 1 < options.total) {
        const auto began = Clock::now();
        Wire wire(options.port);
        if (context != nullptr) wire.start_tls(context, session);
        double taken = micros_since(began);
        if (options.say) wire.write("x\n");
        if (!wire.read_some()) fail("the server closed the connection");
        if (context == nullptr) taken = micros_since(began);
        mine.push_back(taken);
        if (options.resume) {
            SSL_SESSION_free(session);
            session = wire.session();
        }
        if (options.pause != 0) ::usleep(options.pause);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(context);
    times.add(mine);
}

int connections(const Options& options) {
    Times times;
    std::atomic<unsigned> left = options.total;
    std::vector<std::thread> threads;
    const auto began = Clock::now();
    for (unsigned i = 0; i < options.clients; ++i)
        threads.emplace_back([&] { connect_again_and_again(options, left, times); });
    for (auto& thread : threads) thread.join();
    times.report(micros_since(began) / 1e6);
    return 0;
}

int ask(const Options& options) {
    Wire wire(options.port);
    if (!wire.read_some()) fail("no greeting");
    std::vector<double> taken;
    const auto all = Clock::now();
    for (unsigned i = 0; i < options.total; ++i) {
        const auto began = Clock::now();
        wire.write(options.line + "\r\n");
        if (!wire.read_some()) fail("no answer");
        taken.push_back(micros_since(began));
    }
    Times times;
    times.add(taken);
    times.report(micros_since(all) / 1e6);
    return 0;
}

int idle(const Options& options) {
    std::vector<std::unique_ptr<Wire>> wires;
    SSL_CTX* context = options.tls ? tls_context(options.version) : nullptr;
    for (unsigned i = 0; i < options.clients; ++i) {
        wires.push_back(std::make_unique<Wire>(options.port));
        if (context != nullptr) wires.back()->start_tls(context, nullptr);
        if (!wires.back()->read_some()) fail("no greeting");
    }
    std::puts("{}");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
}

// Listens, reaps by itself, and has said so.
int listen_on(unsigned port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = address(port);
    const int on = 1;
    (void)::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(listener, 128) != 0)
        fail("listen");
    std::signal(SIGCHLD, SIG_IGN);
    std::puts("{}");
    std::fflush(stdout);
    return listener;
}

void greet(int client) { (void)::send(client, "+hello\r\n", 8, MSG_NOSIGNAL); }

struct Handover { // one octet and one descriptor
    explicit Handover(int fd) {
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    char octet = 0;
    iovec piece{&octet, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
};

// The other process of "two".
[[noreturn]] void greet_handed_over(int channel) {
    for (;;) {
        Handover handed(-1);
        if (::recvmsg(channel, &handed.message, 0) <= 0) ::_exit(0);
        int client = -1;
        std::memcpy(&client, CMSG_DATA(CMSG_FIRSTHDR(&handed.message)), sizeof client);
        greet(client);
        ::close(client);
    }
}

int bare(const Options& options) {
    int channel[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel) != 0) fail("socketpair");
    if (options.line == "two" && ::fork() == 0) {
        ::close(channel[0]);
        greet_handed_over(channel[1]);
    }
    ::close(channel[1]);
    const int listener = listen_on(options.port);
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (options.line == "one") greet(client);
        if (options.line == "two") {
            Handover handed(client);
            (void)::sendmsg(channel[0], &handed.message, MSG_NOSIGNAL);
        }
        if (options.line == "fork" && ::fork() == 0) {
            greet(client);
            char octet;
            (void)!::recv(client, &octet, 1, 0);
            ::_exit(0);
        }
        ::close(client);
    }
}

int inetd(const Options& options) {
    const int listener = listen_on(options.port);
    for (;;) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        if (::vfork() == 0) {
            (void)(::dup2(client, 0) + ::dup2(client, 1));
            ::execv(options.program[0], options.program);
            ::_exit(127);
        }
        ::close(client);
    }
}

Options parse(int argc, char** argv) {
    Options out;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--") {
            out.program = argv + i + 1;
            break;
        }
        if (name == "--resume" || name == "--tls" || name == "--say") {
            (name == "--tls" ? out.tls : name == "--say" ? out.say : out.resume) = true;
            continue;
        }
        if (i + 1 == argc) fail(name + " needs a value");
        const char* value = argv[++i];
        const auto number = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
        if (name == "--mode")
            out.mode = value;
        else if (name == "--line")
            out.line = value;
        else if (name == "--port")
            out.port = number;
        else if (name == "--clients")
            out.clients = number;
        else if (name == "--total")
            out.total = number;
        else if (name == "--pause")
            out.pause = number;
        else if (name == "--version")
            out.version = number;
        else
            fail("unknown option " + name);
    }
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
    if (options.mode == "greet" || options.mode == "tls") return connections(options);
    if (options.mode == "ask") return ask(options);
    if (options.mode == "bare") return bare(options);
    if (options.mode == "idle") return idle(options);
    if (options.mode == "inetd" && options.program != nullptr && options.program[0] != nullptr) return inetd(options);
    fail("no such mode: " + options.mode);
}
