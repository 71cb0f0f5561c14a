// SPDX-License-Identifier: BSD-2-Clause
// A load of FTP sessions from one process, for tests/bench/ftp.py: a thread per session, blocking sockets, EPSV, TLS by
// OpenSSL with version, cipher and group pinned. Each command waits for the reply to the one before; every reply and
// the octets of every file are checked. Prints one line of JSON: seconds of the work, octets and lines in it. Modes:
//   login  connect, log in, QUIT: --total times by --sessions at once
//   first  the same with a RETR of --file; seconds are those from connect to its first octet, summed up
//   retr   --total files of --size octets are fetched: --file, or with more than one --file and a number
//   stor   the same, stored
//   list   --command (LIST, MLSD) of the directory --file; its lines are counted
//   idle   log in, print, stay until standard input ends
//   bare-list  readdir(3) and fstatat(2) of the directory --file, and nothing else
//   bare-retr, bare-stor   --size octets of the file --file by nothing but a loop of sendfile, recv, SSL_write or
//          SSL_read in another process, to the same client code: what is possible
// Work begins when all sessions are logged in.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t piece_octets = 256 * 1024;
constexpr std::size_t text_line = 64; // octets of a line with CRLF, in what is stored

struct Options { // of the command line
    std::string mode = "login", user, password, file, command = "MLSD", cert, key;
    unsigned port = 0, sessions = 1, total = 1;
    std::uint64_t size = 0;
    bool tls = false, ascii = false;
};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "ftp-load: %s\n", what.c_str());
    std::_Exit(1);
}

std::string tls_error() {
    char text[256] = "the peer closed";
    if (const unsigned long why = ERR_get_error(); why != 0) ERR_error_string_n(why, text, sizeof text);
    return text;
}

double seconds_since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

sockaddr_in loopback(unsigned port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(static_cast<std::uint16_t>(port));
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}

// A connected socket, plain or TLS.
class Wire {
  public:
    explicit Wire(int fd) : fd_(fd) {
        const int on = 1;
        if (fd_ < 0 || setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("socket");
    }
    ~Wire() {
        SSL_free(ssl_);
        ::close(fd_);
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    static std::unique_ptr<Wire> to(unsigned port) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in at = loopback(port);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) fail("connect");
        return std::make_unique<Wire>(fd);
    }

    [[nodiscard]] int fd() const { return fd_; }
    // session: resumed, by way of a copy, as one that ends without a farewell may not be used again.
    void secure(SSL_CTX* context, bool as_server, const SSL_SESSION* session, void* owner) {
        ssl_ = SSL_new(context);
        SSL_set_fd(ssl_, fd_);
        SSL_set_app_data(ssl_, owner);
        SSL_SESSION* const copy = session != nullptr ? SSL_SESSION_dup(session) : nullptr;
        if (copy != nullptr) SSL_set_session(ssl_, copy);
        SSL_SESSION_free(copy);
        if ((as_server ? SSL_accept(ssl_) : SSL_connect(ssl_)) != 1) fail("TLS handshake: " + tls_error());
        if (session != nullptr && SSL_session_reused(ssl_) != 1) fail("the TLS session was not resumed");
    }
    // Octets; 0 = end.
    std::size_t read(char* to, std::size_t size) {
        std::size_t got = 0;
        if (ssl_ != nullptr) return SSL_read_ex(ssl_, to, size, &got) == 1 ? got : 0;
        const ssize_t n = ::recv(fd_, to, size, 0);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    void write(std::string_view text) {
        while (!text.empty()) {
            std::size_t n = 0;
            if (ssl_ == nullptr)
                n = static_cast<std::size_t>(std::max<ssize_t>(0, ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL)));
            else if (SSL_write_ex(ssl_, text.data(), text.size(), &n) != 1)
                n = 0;
            if (n == 0) fail("the peer takes no more");
            text.remove_prefix(n);
        }
    }
    void end() {
        if (ssl_ != nullptr) SSL_shutdown(ssl_);
        ::shutdown(fd_, SHUT_WR);
    }

  private:
    int fd_;
    SSL* ssl_ = nullptr;
};

struct Tally {
    std::uint64_t octets = 0, lines = 0;
};

std::vector<char>& piece() {
    thread_local std::vector<char> out(piece_octets);
    return out;
}

Tally drain(Wire& wire, bool count_lines) {
    Tally out;
    char* const buffer = piece().data();
    while (const std::size_t n = wire.read(buffer, piece_octets)) {
        out.octets += n;
        if (count_lines) out.lines += static_cast<std::uint64_t>(std::count(buffer, buffer + n, '\n'));
    }
    return out;
}

// Lines that end in CRLF, whatever the type.
const std::string& text() {
    static const std::string made = [] {
        std::string out;
        while (out.size() < piece_octets)
            out.append(text_line - 2, static_cast<char>('a' + out.size() / text_line % 26)).append("\r\n");
        return out;
    }();
    return made;
}

void fill(Wire& wire, std::uint64_t size) {
    while (size != 0) {
        const auto n = std::min<std::uint64_t>(size, text().size());
        wire.write(std::string_view(text()).substr(0, n));
        size -= n;
    }
    wire.end();
}

// ---- one FTP session

class Session {
  public:
    Session(const Options& options, SSL_CTX* tls) : options_(options), tls_(tls) {}
    ~Session() { SSL_SESSION_free(ticket_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void log_in() {
        wire_ = Wire::to(options_.port);
        expect("220");
        if (tls_ != nullptr) {
            ask("AUTH TLS", "234");
            wire_->secure(tls_, false, nullptr, this);
        }
        ask("USER " + options_.user, "331");
        ask("PASS " + options_.password, "230");
        if (tls_ != nullptr) {
            ask("PBSZ 0", "200");
            ask("PROT P", "200");
        }
        ask(options_.ascii ? "TYPE A" : "TYPE I", "200");
    }
    void leave() {
        ask("QUIT", "221");
        wire_.reset();
    }
    void take_ticket(SSL_SESSION* session) {
        SSL_SESSION_free(ticket_);
        ticket_ = session;
    }
    void retrieve(const std::string& name) {
        const auto data = open_data("RETR " + name);
        const Tally got = drain(*data, options_.ascii);
        data->end();
        expect("226");
        if (got.octets - (options_.ascii ? got.lines : 0) != options_.size)
            fail("RETR " + name + ": " + std::to_string(got.octets) + " octets");
    }
    void first_octet(const std::string& name) {
        const auto data = open_data("RETR " + name);
        char c = 0;
        if (data->read(&c, 1) != 1) fail("nothing came");
    }
    void store(const std::string& name) {
        const auto data = open_data("STOR " + name);
        fill(*data, options_.size);
        expect("226");
    }
    std::uint64_t list() {
        const auto data = open_data(options_.command + " " + options_.file);
        const Tally got = drain(*data, true);
        data->end();
        expect("226");
        return got.lines;
    }

  private:
    std::unique_ptr<Wire> open_data(const std::string& command) {
        const std::string reply = ask("EPSV", "229");
        auto out = Wire::to(static_cast<unsigned>(std::strtoul(reply.c_str() + reply.find("|||") + 3, nullptr, 10)));
        ask(command, "1");
        if (tls_ != nullptr) out->secure(tls_, false, ticket_, nullptr);
        return out;
    }
    std::string ask(const std::string& line, std::string_view code) {
        wire_->write(line + "\r\n");
        return expect(code);
    }
    std::string expect(std::string_view code) {
        std::string line = next_line();
        if (!line.starts_with(code)) fail("wanted " + std::string(code) + ", got " + line);
        const std::string last = line.substr(0, 3) + " ";
        while (line.size() < 4 || line.compare(0, 4, last) != 0) line = next_line();
        return line;
    }
    std::string next_line() {
        std::size_t lf = 0;
        while ((lf = input_.find('\n')) == std::string::npos) {
            char buffer[4096];
            const std::size_t n = wire_->read(buffer, sizeof buffer);
            if (n == 0) fail("the server closed the connection");
            input_.append(buffer, n);
        }
        std::string out = input_.substr(0, lf);
        input_.erase(0, lf + 1);
        return out;
    }

    const Options& options_;
    SSL_CTX* tls_;
    std::unique_ptr<Wire> wire_;
    std::string input_;
    SSL_SESSION* ticket_ = nullptr;
};

SSL_CTX* client_tls() {
    SSL_CTX* out = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_set_min_proto_version(out, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(out, "TLS_AES_256_GCM_SHA384") != 1 || SSL_CTX_set1_groups_list(out, "P-256") != 1)
        fail("TLS");
    SSL_CTX_set_session_cache_mode(out, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(out, [](SSL* ssl, SSL_SESSION* session) {
        auto* owner = static_cast<Session*>(SSL_get_app_data(ssl));
        if (owner != nullptr) owner->take_ticket(session);
        return owner != nullptr ? 1 : 0;
    });
    return out;
}

class Load {
  public:
    explicit Load(const Options& options) : options_(options), tls_(options.tls ? client_tls() : nullptr) {}
    void run() {
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < options_.sessions; ++i) threads.emplace_back([this] { work(); });
        if (logs_in_first()) ready_.arrive_and_wait();
        const auto began = Clock::now();
        if (options_.mode == "idle") report(0);
        for (std::thread& thread : threads) thread.join();
        if (options_.mode != "idle") report(options_.mode == "first" ? waited_.load() : seconds_since(began));
    }

  private:
    [[nodiscard]] bool logs_in_first() const { return options_.mode != "login" && options_.mode != "first"; }
    void report(double seconds) {
        const std::uint64_t octets = options_.size * options_.total;
        std::printf("{\"work\": %.6f, \"octets\": %llu, \"lines\": %llu}\n", seconds,
                    static_cast<unsigned long long>(octets), static_cast<unsigned long long>(lines_));
        std::fflush(stdout);
    }
    void work() {
        if (!logs_in_first()) return log_in_and_out();
        Session session(options_, tls_);
        session.log_in();
        ready_.arrive_and_wait();
        if (options_.mode == "idle") {
            char c = 0;
            while (::read(STDIN_FILENO, &c, 1) > 0) {
            }
        }
        for (unsigned n = next_++; options_.mode != "idle" && n < options_.total; n = next_++) transfer(session, n);
        session.leave();
    }
    void transfer(Session& session, unsigned number) {
        const std::string name = options_.total == 1 ? options_.file : options_.file + std::to_string(number);
        if (options_.mode == "retr") return session.retrieve(name);
        if (options_.mode == "stor") return session.store(name);
        lines_ += session.list();
    }
    void log_in_and_out() {
        while (next_++ < options_.total) {
            const auto began = Clock::now();
            Session session(options_, tls_);
            session.log_in();
            if (options_.mode == "login") {
                session.leave();
                continue;
            }
            session.first_octet(options_.file);
            waited_ += seconds_since(began);
        }
    }

    const Options& options_;
    SSL_CTX* tls_;
    std::barrier<> ready_{static_cast<std::ptrdiff_t>(options_.sessions) + 1};
    std::atomic<unsigned> next_ = 0;
    std::atomic<std::uint64_t> lines_ = 0;
    std::atomic<double> waited_ = 0;
};

// ---- the bare loops

SSL_CTX* server_tls(const Options& options) {
    SSL_CTX* out = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(out, options.cert.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(out, options.key.c_str(), SSL_FILETYPE_PEM) != 1)
        fail("certificate");
    return out;
}

void bare_send(Wire& wire, const Options& options) {
    const int file = ::open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
    std::vector<char>& buffer = piece();
    for (std::uint64_t done = 0; done < options.size;) {
        ssize_t n = 0;
        if (options.tls) {
            n = ::read(file, buffer.data(), buffer.size());
            if (n > 0) wire.write({buffer.data(), static_cast<std::size_t>(n)});
        } else {
            n = ::sendfile(wire.fd(), file, nullptr, options.size - done);
        }
        if (n <= 0) fail("bare send");
        done += static_cast<std::uint64_t>(n);
    }
    wire.end();
    char c = 0;
    while (wire.read(&c, 1) != 0) {
    }
    ::close(file);
}

void bare_receive(Wire& wire, const Options& options) {
    const int file = ::open(options.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    std::vector<char>& buffer = piece();
    while (const std::size_t n = wire.read(buffer.data(), buffer.size()))
        if (::write(file, buffer.data(), n) != static_cast<ssize_t>(n)) fail("bare write");
    ::close(file);
    wire.write("."); // it is in the file
    wire.end();
}

void bare_list(const Options& options) {
    const auto began = Clock::now();
    DIR* const directory = ::opendir(options.file.c_str());
    if (directory == nullptr) fail("opendir");
    unsigned long long lines = 0;
    while (const dirent* entry = ::readdir(directory)) {
        struct stat st {};
        if (::fstatat(::dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) ++lines;
    }
    ::closedir(directory);
    std::printf("{\"work\": %.6f, \"octets\": 0, \"lines\": %llu}\n", seconds_since(began), lines);
}

void bare(const Options& options) {
    const bool sends = options.mode == "bare-retr";
    const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    if (::bind(listening, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listening, 1) != 0 ||
        ::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size) != 0)
        fail("listen");
    const pid_t child = ::fork();
    if (child == 0) {
        Wire wire(::accept(listening, nullptr, nullptr));
        if (options.tls) wire.secure(server_tls(options), true, nullptr, nullptr);
        sends ? bare_send(wire, options) : bare_receive(wire, options);
        std::_Exit(0);
    }
    const auto wire = Wire::to(ntohs(at.sin_port));
    if (options.tls) wire->secure(client_tls(), false, nullptr, nullptr);
    const auto began = Clock::now();
    if (!sends) fill(*wire, options.size);
    const Tally got = drain(*wire, false);
    const double seconds = seconds_since(began);
    if (sends ? got.octets != options.size : got.octets != 1) fail("the bare loop broke off");
    wire->end();
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) fail("the bare loop failed");
    std::printf("{\"work\": %.6f, \"octets\": %llu, \"lines\": 0}\n", seconds,
                static_cast<unsigned long long>(options.size));
}

Options parse(int argc, char** argv) {
    Options out;
    const struct {
        std::string_view name;
        std::string* text = nullptr;
        unsigned* number = nullptr;
        bool* flag = nullptr;
    } known[] = {{"--mode", &out.mode},
                 {"--user", &out.user},
                 {"--password", &out.password},
                 {"--file", &out.file},
                 {"--command", &out.command},
                 {"--cert", &out.cert},
                 {"--key", &out.key},
                 {"--port", nullptr, &out.port},
                 {"--sessions", nullptr, &out.sessions},
                 {"--total", nullptr, &out.total},
                 {"--tls", nullptr, nullptr, &out.tls},
                 {"--ascii", nullptr, nullptr, &out.ascii}};
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto* const found =
            std::find_if(std::begin(known), std::end(known), [&](const auto& o) { return o.name == name; });
        if (found == std::end(known) && name != "--size") fail("unknown option " + name);
        if (found != std::end(known) && found->flag != nullptr) {
            *found->flag = true;
            continue;
        }
        if (i + 1 == argc) fail(name + " needs a value");
        const char* const value = argv[++i];
        if (name == "--size")
            out.size = std::strtoull(value, nullptr, 10);
        else if (found->text != nullptr)
            *found->text = value;
        else
            *found->number = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    }
    return out;
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    const Options options = parse(argc, argv);
    if (options.mode == "bare-list")
        bare_list(options);
    else
        options.mode.starts_with("bare-") ? bare(options) : Load(options).run();
    return 0;
}
