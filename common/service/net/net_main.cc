// SPDX-License-Identifier: BSD-2-Clause
// The main() of every net program. Order matters and is visible here: hello, certificates, warm-up, sandbox, ready;
// only then the first client. The zygote (per_connection) keeps no loop and a small heap, since it is forked per
// client.
#include "common/service/net/net.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "common/base/exit_code.h"
#include "common/base/heap.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/priv/channel.h"
#include "common/priv/drop.h"
#include "common/priv/sandbox.h"
#include "common/service/child_descriptors.h"
#include "common/service/connection_requests.h"
#include "common/service/log_transport.h"
#include "common/service/net_protocol.h"

namespace posada::service {

void NetService::adopt(std::string_view, UniqueFd) {}

namespace {

constexpr unsigned hello_fds = 3;
constexpr std::uint64_t killed_on_demand = 0; // in the place of a session's number, which begins with 1

int fail(int code, const Error& error) {
    log(event::start_failed, {{"error", error.describe()}});
    return code;
}

Accepted to_accepted(const ConnectionInfo& info, const NetConfig& config, std::vector<UniqueFd> fds) {
    Accepted accepted;
    accepted.socket = std::move(fds[0]);
    accepted.channel = std::move(fds[1]);
    accepted.id = info.id;
    accepted.peer = info.peer;
    accepted.local = info.local;
    accepted.challenge = info.challenge;
    if (info.listener < config.listeners.size()) accepted.listener = config.listeners[info.listener];
    return accepted;
}

extern "C" void wake_from_poll(int) {}

class NetProcess {
  public:
    explicit NetProcess(const NetDaemon& daemon) : daemon_(daemon), channel_(UniqueFd(child_channel_fd)) {}
    int run();

  private:
    Status receive_hello();
    Status load_config(const UniqueFd& config, const UniqueFd& secrets);
    Status build_tls(const NetSecrets& secrets);
    Status map_page(const UniqueFd& page);
    Status send(NetMessage type, std::string_view payload) {
        return channel_.send(static_cast<std::uint16_t>(type), 0, payload);
    }
    [[nodiscard]] priv::SandboxProfile zygote_profile() const {
        return daemon_.profile == priv::SandboxProfile::net_transfer ? priv::SandboxProfile::net_transfer_zygote
                                                                     : priv::SandboxProfile::net_zygote;
    }
    [[nodiscard]] bool forks() const { return daemon_.model == NetModel::per_connection && !hello_.single; }
    std::unique_ptr<NetContext> make_context(io::Loop& loop);

    int zygote_loop();
    bool zygote_message();
    void fork_process_for(std::uint64_t session, UniqueFd channel);
    [[noreturn]] void connection_process(priv::Channel channel);
    void kill_connection(std::uint64_t id);
    void reap();

    int serve();
    void serve_messages(io::Loop& loop, NetService& service);
    void serve_message(priv::Message message, NetService& service);

    const NetDaemon& daemon_;
    priv::Channel channel_;
    Hello hello_;
    NetConfig config_;
    std::shared_ptr<io::TlsContext> modern_;
    std::shared_ptr<io::TlsContext> legacy_;
    std::uint64_t* page_ = nullptr;
    MakeService make_service_;
    priv::PreparedSandbox final_sandbox_;
    std::map<pid_t, std::uint64_t> children_; // and their sessions
    bool stopping_ = false;
};

Status NetProcess::receive_hello() {
    auto received = channel_.receive(hello_fds);
    if (!received) return received.error();
    if (!received->has_value()) return Error{Errc::closed, 0, "the launcher went away"};
    priv::Message message = std::move(**received);
    if (message.type != static_cast<std::uint16_t>(NetMessage::hello) || message.fds.size() != hello_fds)
        return Error{Errc::protocol, 0, "no hello"};
    auto hello = from_bytes<Hello>(message.payload);
    if (!hello || hello->version != POSADA_VERSION)
        return Error{Errc::unavailable, 0, "launcher and net program differ in version"};
    hello_ = std::move(*hello);
    if (hello_.table_hash != priv::table_hash(with_connection_requests(daemon_.requests, daemon_.handshakes)))
        return Error{Errc::unavailable, 0,
                     "launcher and net program differ in their request table (upgrade under way?)"};
    RETURN_IF_ERROR(load_config(message.fds[0], message.fds[1]));
    auto prepared = daemon_.prepare({hello_.hostname, config_.options});
    if (!prepared) return prepared.error();
    make_service_ = std::move(*prepared);
    return map_page(message.fds[2]);
}

Status NetProcess::load_config(const UniqueFd& config, const UniqueFd& secrets) {
    auto config_bytes = read_memfd(config);
    if (!config_bytes) return config_bytes.error();
    auto decoded = decode_net_config(*config_bytes);
    if (!decoded) return decoded.error();
    config_ = std::move(*decoded);
    auto secret_bytes = read_memfd(secrets);
    if (!secret_bytes) return secret_bytes.error();
    auto keys = decode_net_secrets(*secret_bytes);
    wipe(*secret_bytes);
    if (!keys) return keys.error();
    const Status built = build_tls(*keys);
    for (io::Certificate& certificate : keys->certificates) wipe(certificate.key_pem);
    wipe(keys->ticket_key);
    return built;
}

Status NetProcess::build_tls(const NetSecrets& secrets) {
    if (secrets.certificates.empty()) return {};
    io::TlsServerConfig tls;
    tls.certificates = secrets.certificates;
    tls.alpn = daemon_.alpn;
    tls.ticket_key = secrets.ticket_key;
    auto modern = io::TlsContext::make_server(tls);
    if (!modern) return modern.error();
    modern_ = std::move(*modern);
    tls.profile = io::TlsProfile::legacy;
    auto legacy = io::TlsContext::make_server(tls);
    if (!legacy) return legacy.error();
    legacy_ = std::move(*legacy);
    for (io::Certificate& certificate : tls.certificates) wipe(certificate.key_pem);
    wipe(tls.ticket_key);
    return {};
}

Status NetProcess::map_page(const UniqueFd& page) {
    void* memory = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, page.get(), 0);
    if (memory == MAP_FAILED) return errno_error("map of the serving page");
    page_ = static_cast<std::uint64_t*>(memory);
    return {};
}

std::unique_ptr<NetContext> NetProcess::make_context(io::Loop& loop) {
    const auto tls = [this](io::TlsProfile profile) { return profile == io::TlsProfile::legacy ? legacy_ : modern_; };
    const auto idle = [this, &loop] {
        if (stopping_ || daemon_.model == NetModel::per_connection) loop.stop();
    };
    const auto want = [this](std::string_view name) {
        Writer w;
        w.str(name);
        if (!send(NetMessage::want, w.bytes())) stopping_ = true;
    };
    const auto serving = [this](std::uint64_t id) { *page_ = id; };
    return std::make_unique<NetContext>(NetContext{loop, tls, idle, want, serving, Millis(hello_.sign_timeout_ms)});
}

// ---- per_connection: the zygote ----

int NetProcess::zygote_loop() {
    struct sigaction action {};
    action.sa_handler = wake_from_poll;
    ::sigaction(SIGCHLD, &action, nullptr);
    sigset_t blocked;
    sigset_t open;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &blocked, &open);
    pollfd waiting{channel_.fd(), POLLIN, 0};
    while (!stopping_ || !children_.empty()) {
        waiting.fd = channel_.fd(); // -1 once the launcher has gone
        const int ready = ::ppoll(&waiting, 1, nullptr, &open);
        if (ready > 0 && !zygote_message()) stopping_ = true;
        reap();
    }
    return 0;
}

// False at the end: the launcher said stop or is gone. Children notice by themselves (their monitor channel closes),
// but whoever breaches the table is killed until the last one has ended.
bool NetProcess::zygote_message() {
    auto received = channel_.receive(1);
    if (!received || !received->has_value()) return channel_.close(), false;
    priv::Message message = std::move(**received);
    switch (static_cast<NetMessage>(message.type)) {
    case NetMessage::process:
        if (message.fds.size() != 1) return false;
        fork_process_for(message.session, std::move(message.fds[0]));
        return true;
    case NetMessage::kill: {
        Reader r(message.payload);
        kill_connection(r.u64());
        return true;
    }
    case NetMessage::hello:
    case NetMessage::ready:
    case NetMessage::connection: // comes to the process
    case NetMessage::ended:
    case NetMessage::adopt: // launcher_main refuses channels in this model
    case NetMessage::want:
    case NetMessage::stop: return false;
    }
    return false;
}

// Mostly ahead of its client, so that this costs nobody's time. Without a process the channel is closed here, and the
// launcher sees its end.
void NetProcess::fork_process_for(std::uint64_t session, UniqueFd channel) {
    ::sched_yield(); // the process before may have been woken up on this processor: its client waits for it
    const pid_t pid = ::fork();
    if (pid == 0) connection_process(priv::Channel(std::move(channel)));
    if (pid < 0) return log(event::session_end, {{"session", std::to_string(session)}, {"reason", "no process left"}});
    children_[pid] = session;
}

// Nothing of the other processes is here: not the launcher's channel to the zygote, and no other connection's.
void NetProcess::connection_process(priv::Channel channel) {
    channel_.close();
    ::signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    auto loop = io::Loop::create();
    if (!loop) ::_exit(fail(exit_system, loop.error()));
    const auto context = make_context(**loop);
    const auto service = make_service_(*context);
    if (const Status confined = final_sandbox_.apply(); !confined) ::_exit(fail(exit_system, confined.error()));
    auto received = channel.receive(1);
    if (!received || !received->has_value()) ::_exit(0); // nobody came
    priv::Message message = std::move(**received);
    const auto info = decode_connection(message.payload);
    if (!info || message.fds.size() != 1) ::_exit(exit_system);
    message.fds.push_back(channel.take());
    service->accept(to_accepted(*info, config_, std::move(message.fds)));
    (*loop)->run();
    ::_exit(0);
}

// The launcher has logged why; its end is no news to it.
void NetProcess::kill_connection(std::uint64_t id) {
    for (auto& [pid, session] : children_) {
        if (session != id) continue;
        ::kill(pid, SIGKILL);
        session = killed_on_demand;
    }
}

void NetProcess::reap() {
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
        const auto child = children_.find(pid);
        if (child == children_.end()) continue;
        const std::uint64_t session = child->second;
        children_.erase(child);
        // What ended by itself, or because the launcher wanted it so, is nothing that it would act on.
        if (!WIFSIGNALED(status) || session == killed_on_demand) continue;
        Writer w;
        w.u64(session);
        w.u32(static_cast<std::uint32_t>(status));
        if (!send(NetMessage::ended, w.bytes())) stopping_ = true;
    }
}

// ---- shared, or a single connection: this process serves ----

int NetProcess::serve() {
    auto loop = io::Loop::create();
    if (!loop) return fail(exit_system, loop.error());
    const auto context = make_context(**loop);
    const auto service = make_service_(*context);
    if (const Status confined = final_sandbox_.apply(); !confined) return fail(exit_system, confined.error());
    if (const Status blocking = set_nonblocking(channel_.fd(), true); !blocking)
        return fail(exit_system, blocking.error());
    if (const Status sent = send(NetMessage::ready, {}); !sent) return fail(exit_system, sent.error());
    serve_messages(**loop, *service);
    return 0;
}

void NetProcess::serve_messages(io::Loop& loop, NetService& service) {
    std::optional<io::Watch> watch;
    const auto stop = [&] { // sessions go on, and may yet need a service that was started again
        if (!std::exchange(stopping_, true)) service.stop();
    };
    watch.emplace(loop, channel_.fd(), io::Interest::read, [&](io::Interest) {
        for (;;) {
            auto received = channel_.receive(2);
            if (!received && received.error().code == Errc::busy) return;
            if (!received || !received->has_value()) {
                watch.reset();
                return stop();
            }
            if ((*received)->type == static_cast<std::uint16_t>(NetMessage::stop))
                stop();
            else
                serve_message(std::move(**received), service);
        }
    });
    loop.run();
}

void NetProcess::serve_message(priv::Message message, NetService& service) {
    const auto type = static_cast<NetMessage>(message.type);
    if (type == NetMessage::connection && message.fds.size() == 2) {
        const auto info = decode_connection(message.payload);
        if (info) service.accept(to_accepted(*info, config_, std::move(message.fds)));
    }
    if (type == NetMessage::adopt && message.fds.size() == 1) {
        Reader r(message.payload);
        const std::string name(r.str());
        service.adopt(name, std::move(message.fds[0]));
    }
}

int NetProcess::run() {
    if (const Status hello = receive_hello(); !hello) return fail(exit_config, hello.error());
    // A single client would wait for a rehearsal; without a certificate nobody shakes hands.
    if (modern_ != nullptr && !hello_.single)
        io::tls_warm_up(modern_.get());
    else
        io::tls_load();
    const priv::SandboxMode mode = hello_.sandbox;
    const auto profile = daemon_.model == NetModel::shared ? priv::SandboxProfile::net_shared : daemon_.profile;
    const auto below = forks() ? std::optional(zygote_profile()) : std::nullopt;
    auto prepared = priv::prepare_sandbox(profile, mode, child_log_fd, below);
    if (!prepared) return fail(exit_system, prepared.error());
    final_sandbox_ = std::move(*prepared);
    if (!forks()) return serve();
    auto base = priv::prepare_sandbox(zygote_profile(), mode, child_log_fd);
    if (!base) return fail(exit_system, base.error());
    settle_heap();
    if (const Status confined = base->apply(); !confined) return fail(exit_system, confined.error());
    if (const Status sent = send(NetMessage::ready, {}); !sent) return fail(exit_system, sent.error());
    return zygote_loop();
}

} // namespace

int net_main(const NetDaemon& daemon, int, char** argv) {
    if (!has_child_descriptors()) {
        std::fprintf(stderr, "%s is started by sbin/%.*s, never by hand.\n", argv[0],
                     static_cast<int>(daemon.name.size()), daemon.name.data());
        return exit_usage;
    }
    ::signal(SIGPIPE, SIG_IGN);
    RecordSink sink(child_log_fd);
    set_log_sink(&sink);
    NetProcess process(daemon);
    const int code = process.run();
    set_log_sink(nullptr);
    return code;
}

} // namespace posada::service
