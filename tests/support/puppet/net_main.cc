// SPDX-License-Identifier: BSD-2-Clause
// A net program that somebody has taken over: behind the real sandbox it does what its client tells it, line by line
// (tests/attack/inside.py). Its name says whose net program it stands in for; a new daemon is one row of roles[].
//     table                      the request table it was made for, a row per line, then "."
//     packet HEX PAD KINDS       one packet: these octets, PAD more, these descriptors ("-", "file,pipe", "memfd*9")
//     flood N HEX PAD KINDS      N of them, reading no answer: "sent N"
//     answer MS                  what came back: octets in hex and kinds of descriptors, "none", or "end"
//     agent, monitor, at NAME    whom the packets go to: a descriptor that an answer has brought, the monitor, a
//     service want NAME                  asks the launcher for another channel to a service half, drop, abort, leave
//     shuts down, closes the channel (the client stays), dies, exits catch                      from now on a refused
//     call is noticed here, and no longer logged call N ARGUMENT ...        a system call: its result, or "trapped";
//     @text is a pointer to text sweep FROM TO              calls with senseless arguments, a letter each: trapped, or
//     reached
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>

#include "common/service/connection_requests.h"
#include "common/service/net/net.h"
#include "common/service/net_protocol.h"
#include "pop3d/agent_protocol.h"
#include "pop3d/requests.h"
#include "smtpd/lookup.h"
#include "smtpd/queue_protocol.h"
#include "tests/support/echod/agent.h"
#include "tests/support/echod/requests.h"

namespace posada::puppet {
namespace {

using service::NetModel;
constexpr std::size_t largest_packet = 128 * 1024;
constexpr unsigned most_back = 253; // what the kernel passes at once
constexpr int launcher_fd = 3;      // common/service/net_protocol.h
constexpr int patience_ms = 2'000;

struct Role {
    std::string_view program;
    std::string_view name;
    NetModel model;
    std::span<const priv::RequestInfo> monitor;
    std::span<const priv::RequestInfo> agent;
    std::string_view alpn = "";
};
constexpr Role roles[] = {
    {"echod-net", "echod", NetModel::per_connection, echod::MonitorRequests::rows, echod::AgentRequests::rows},
    {"echod-shared-net", "echod", NetModel::shared, echod::MonitorRequests::rows, echod::AgentRequests::rows},
    {"pop3d-net", "pop3d", NetModel::per_connection, pop3d::MonitorRequests::rows, pop3d::AgentRequests::rows, "pop3"},
    {"smtpd-net", "smtpd", NetModel::shared, {}, {}},
    {"smtpd-submission-net", "smtpd", NetModel::shared, service::LoginRequests::rows, {}},
};
const Role* role = nullptr;
std::map<std::string, int> kinds; // descriptors of every kind, made before the sandbox is up
volatile sig_atomic_t trapped = 0;

extern "C" void puppet_on_sigsys(int, siginfo_t*, void* context) {
    trapped = 1;
#if defined(__x86_64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#endif
}

void make_kinds() {
    int pair[2] = {-1, -1};
    if (::pipe2(pair, O_CLOEXEC) == 0) kinds["pipe"] = pair[0], kinds["pipe-out"] = pair[1];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) kinds["unix"] = pair[0];
    kinds["file"] = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    kinds["directory"] = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kinds["path"] = ::open("/", O_PATH | O_CLOEXEC);
    kinds["device"] = ::open("/dev/zero", O_RDWR | O_CLOEXEC);
    kinds["memfd"] = ::memfd_create("puppet", MFD_CLOEXEC);
    kinds["socket"] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    kinds["listening"] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::listen(kinds["listening"], 1) != 0) ::_exit(71);
    kinds["epoll"] = ::epoll_create1(EPOLL_CLOEXEC);
    kinds["pidfd"] = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    for (const auto& [name, fd] : kinds)
        if (fd < 0) std::fprintf(stderr, "puppet: no %s\n", name.c_str()), ::_exit(71);
}

std::string unhex(const std::string& hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    return out;
}

std::string to_hex(std::string_view bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto octet = static_cast<unsigned char>(c);
        out.push_back(digits[octet >> 4]);
        out.push_back(digits[octet & 15]);
    }
    return out.empty() ? "-" : out;
}

std::string kind_of(int fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) return "none";
    if (S_ISREG(st.st_mode)) return "file";
    if (S_ISDIR(st.st_mode)) return "directory";
    if (S_ISSOCK(st.st_mode)) return "socket";
    return S_ISCHR(st.st_mode) ? "device" : S_ISFIFO(st.st_mode) ? "pipe" : "other";
}

void print_table(std::ostream& out, const char* whose, std::span<const priv::RequestInfo> table) {
    for (const priv::RequestInfo& row : table)
        out << whose << ' ' << row.name << ' ' << row.type << ' ' << int{row.phases} << ' ' << row.once << ' '
            << row.max_bytes << ' ' << int{row.fds_in} << ' ' << int{row.fds_out} << '\n';
}

using Services = std::map<std::string, UniqueFd>; // what the launcher has handed out: "queue", "lookup"

// One client; others of a shared process wait while it is obeyed.
class Orders {
  public:
    Orders(service::NetContext& context, Services& services, service::Accepted connection,
           std::function<void()> on_finished)
        : context_(context), services_(services), client_(std::move(connection.socket)),
          monitor_(std::move(connection.channel)), on_finished_(std::move(on_finished)),
          watch_(context.loop, client_.get(), io::Interest::read, [this](io::Interest) { obey(); }) {
        if (!set_nonblocking(client_.get(), false)) ::_exit(71);
        channel_ = monitor_.get();
        say("at your orders " + std::to_string(connection.id));
    }

  private:
    void obey();
    void say(const std::string& text) {
        (void)write_all(client_.get(), text + "\n"); // that he has gone is seen by reading
    }
    std::string act(std::istringstream& words, const std::string& verb);
    std::string table();
    std::string packets(std::istringstream& words, long count);
    std::vector<int> wanted_fds(const std::string& names);
    std::string answer(int milliseconds);
    void take_in(msghdr& msg, std::string& out);
    std::string system_call(std::istringstream& words);
    std::string sweep(long from, long to);
    std::string at_service(const std::string& name);

    service::NetContext& context_;
    Services& services_;
    UniqueFd client_, monitor_, agent_, fresh_;
    int channel_ = -1;
    std::string input_;
    std::function<void()> on_finished_;
    io::Watch watch_;
};

std::string catch_refusals() {
    struct sigaction action {};
    action.sa_sigaction = puppet_on_sigsys;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return ::sigaction(SIGSYS, &action, nullptr) == 0 ? "ok" : "no";
}

std::string Orders::table() {
    std::ostringstream out;
    print_table(out, "monitor", service::with_connection_requests(role->monitor));
    print_table(out, "agent", role->agent);
    if (role->name == "smtpd") {
        print_table(out, "launcher", service::shared_reports);
        print_table(out, "queue", smtpd::queue_requests(smtpd::QueueRole::receive));
        print_table(out, "lookup", smtpd::LookupRequests::rows);
    }
    return out.str() + ".";
}

std::vector<int> Orders::wanted_fds(const std::string& names) {
    std::vector<int> out;
    std::istringstream all(names == "-" ? "" : names);
    for (std::string name; std::getline(all, name, ',');) {
        const auto star = name.find('*');
        const std::string kind = name.substr(0, star);
        if (kind == "fresh") fresh_.reset(::memfd_create("puppet", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        const int fd = kind == "channel"  ? channel_
                       : kind == "client" ? client_.get()
                       : kind == "fresh"  ? fresh_.get()
                                          : kinds.at(kind);
        out.insert(out.end(), star == name.npos ? 1 : std::stoul(name.substr(star + 1)), fd);
    }
    return out;
}

std::string Orders::packets(std::istringstream& words, long count) {
    std::string hex, names;
    std::size_t pad = 0;
    words >> hex >> pad >> names;
    const std::string bytes = unhex(hex) + std::string(pad, 'A');
    const std::vector<int> fds = wanted_fds(names);
    std::vector<char> control(CMSG_SPACE(sizeof(int) * fds.size()));
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr msg{};
    msg.msg_iov = &part;
    msg.msg_iovlen = 1;
    if (!fds.empty()) {
        msg.msg_control = control.data();
        msg.msg_controllen = control.size();
        cmsghdr* c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::copy(fds.begin(), fds.end(), reinterpret_cast<int*>(CMSG_DATA(c)));
    }
    long sent = 0;
    while (sent < count) {
        if (::sendmsg(channel_, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
            ++sent;
            continue;
        }
        if (errno != EAGAIN && errno != ETOOMANYREFS) break;
        pollfd room{channel_, POLLOUT, 0};
        if (::poll(&room, 1, patience_ms) <= 0) break;
    }
    return "sent " + std::to_string(sent);
}

void Orders::take_in(msghdr& msg, std::string& out) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&msg); c != nullptr; c = CMSG_NXTHDR(&msg, c)) {
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            agent_.reset(reinterpret_cast<const int*>(CMSG_DATA(c))[i]);
            out += " " + kind_of(agent_.get());
        }
    }
}

std::string Orders::answer(int milliseconds) {
    pollfd waiting{channel_, POLLIN, 0};
    if (::poll(&waiting, 1, milliseconds) <= 0) return "none";
    static char bytes[largest_packet];
    static char control[CMSG_SPACE(sizeof(int) * most_back)];
    iovec part{bytes, sizeof bytes};
    msghdr msg{};
    msg.msg_iov = &part;
    msg.msg_iovlen = 1;
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(channel_, &msg, MSG_CMSG_CLOEXEC);
    if (n <= 0) return "end";
    std::string out = to_hex({bytes, static_cast<std::size_t>(n)});
    take_in(msg, out);
    return out;
}

std::string Orders::system_call(std::istringstream& words) {
    long number = 0;
    words >> number;
    std::vector<std::string> texts;
    long arguments[6]{};
    texts.reserve(6);
    std::string word;
    for (long& argument : arguments) {
        if (!(words >> word)) break;
        if (word[0] == '@') texts.push_back(word.substr(1));
        argument = word[0] == '@' ? reinterpret_cast<long>(texts.back().c_str()) : std::stol(word, nullptr, 0);
    }
    trapped = 0;
    const long result =
        ::syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    return trapped != 0 ? "trapped" : std::to_string(result < 0 ? -errno : result);
}

std::string Orders::sweep(long from, long to) {
    std::string out;
    for (long number = from; number < to; ++number) {
        trapped = 0;
        ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
        out.push_back(trapped != 0 ? 't' : 'r');
    }
    return out;
}

std::string Orders::at_service(const std::string& name) {
    if (name == "launcher") return channel_ = launcher_fd, "ok";
    const auto found = services_.find(name);
    if (found == services_.end()) return "no";
    channel_ = found->second.get();
    return "ok";
}

std::string Orders::act(std::istringstream& words, const std::string& verb) {
    long from = 0, to = 0;
    std::string name;
    if (verb == "table") return table();
    if (verb == "packet") return packets(words, 1);
    if (verb == "flood") return words >> from, packets(words, from);
    if (verb == "answer") return words >> from, answer(static_cast<int>(from));
    if (verb == "agent") return channel_ = agent_.get(), "ok";
    if (verb == "monitor") return channel_ = monitor_.get(), "ok";
    if (verb == "at") return words >> name, at_service(name);
    if (verb == "want") return words >> name, services_.erase(name), context_.want(name), "ok";
    if (verb == "half") return ::shutdown(channel_, SHUT_WR) == 0 ? "ok" : "no";
    if (verb == "drop") return monitor_.reset(), agent_.reset(), "ok";
    if (verb == "catch") return catch_refusals();
    if (verb == "call") return system_call(words);
    if (verb == "sweep") return words >> from >> to, sweep(from, to);
    if (verb == "abort") std::abort();
    if (verb == "leave") ::_exit(0);
    return "what?";
}

void Orders::obey() {
    char chunk[4096];
    const ssize_t n = ::read(client_.get(), chunk, sizeof chunk);
    if (n <= 0) return on_finished_();
    input_.append(chunk, static_cast<std::size_t>(n));
    for (auto end = input_.find('\n'); end != input_.npos; end = input_.find('\n')) {
        std::istringstream words(input_.substr(0, end));
        input_.erase(0, end + 1);
        std::string verb;
        words >> verb;
        say(act(words, verb));
    }
}

class Puppet final : public service::NetService {
  public:
    explicit Puppet(service::NetContext& context) : context_(context) {}
    void accept(service::Accepted connection) override {
        const std::uint64_t id = connection.id;
        clients_[id] =
            std::make_unique<Orders>(context_, services_, std::move(connection), [this, id] { finished(id); });
    }
    void adopt(std::string_view name, UniqueFd channel) override { services_[std::string(name)] = std::move(channel); }
    void stop() override {
        stopping_ = true;
        if (clients_.empty()) context_.idle();
    }

  private:
    void finished(std::uint64_t id) {
        clients_.erase(id);
        if (clients_.empty() && (stopping_ || role->model == NetModel::per_connection)) context_.idle();
    }

    service::NetContext& context_;
    Services services_;
    std::map<std::uint64_t, std::unique_ptr<Orders>> clients_;
    bool stopping_ = false;
};

Result<service::MakeService> prepare(const service::NetStart&) {
    make_kinds();
    return service::MakeService([](service::NetContext& context) { return std::make_unique<Puppet>(context); });
}

} // namespace
} // namespace posada::puppet

int main(int argc, char** argv) {
    using namespace posada;
    const std::string_view path(argv[0]);
    for (const puppet::Role& one : puppet::roles)
        if (path.ends_with("/" + std::string(one.program))) puppet::role = &one;
    if (puppet::role == nullptr) return 64;
    const service::NetDaemon daemon{puppet::role->name, puppet::role->model, puppet::role->monitor, puppet::role->alpn,
                                    &puppet::prepare};
    return service::net_main(daemon, argc, argv);
}
