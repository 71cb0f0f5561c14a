// SPDX-License-Identifier: BSD-2-Clause
// The launcher's end of one running net program: starts it, says hello, sends connections, hears of their ends.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/io/loop.h"
#include "common/priv/channel.h"
#include "common/service/identity.h"
#include "common/service/launch/signer_handle.h"
#include "common/service/net_protocol.h"

namespace posada::service {

struct NetProgram {
    std::string path; // libexec/posada/pop3d-net
    Identity identity;
    Hello hello;
    NetConfig config;
    std::unique_ptr<SignerHandle> signer; // null without certificates
    int log_fd = -1;                      // borrowed: the children's end of the log pair
    bool forks = false;                   // a zygote: a process for each connection
    std::function<std::uint64_t()> new_session;
};

// The launcher's end of what a connection's process asks through.
struct MonitorEnd {
    std::uint64_t session = 0;
    UniqueFd channel; // does not block
};

class NetHandle {
  public:
    struct Events {
        std::function<void(NetHandle&)> on_ready;
        std::function<void(std::uint64_t session, int wait_status)> on_ended;  // a connection's process (zygote)
        std::function<Status(NetHandle&, const std::string& channel)> on_want; // an error: a breach
        std::function<void(const std::string& what)> on_breach; // it said what its table does not have, and was killed
        std::function<void(std::uint64_t session, const std::string& what)> on_signer_breach;
        std::function<void(NetHandle&, int wait_status)> on_signer_exit;
        // The program is gone (wait_status) or closed its channel; the handle is dead after this.
        std::function<void(NetHandle&, int wait_status)> on_exit;
    };
    // Forks and execs; Errc::not_found when the program is missing.
    static Result<std::unique_ptr<NetHandle>> start(io::Loop& loop, NetProgram program, Events events);
    ~NetHandle();
    NetHandle(const NetHandle&) = delete;
    NetHandle& operator=(const NetHandle&) = delete;

    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool forks() const { return forks_; } // a process for each connection
    // The session a shared program was serving when it died; 0 = none.
    [[nodiscard]] std::uint64_t serving() const;
    // The session's number is chosen here. Errc::busy: the channel is full, try again shortly.
    Result<MonitorEnd> send_connection(ConnectionInfo info, int socket);
    Status send_channel(std::string_view name, int channel);
    [[nodiscard]] bool signs() const { return signer_ != nullptr; } // there is a certificate
    // Asks the program's signer (sign_protocol.h).
    void sign(std::uint64_t session, const priv::Message& request);
    void kill_connection(std::uint64_t session); // zygote
    void kill_program();                         // shared
    [[nodiscard]] bool killed() const { return killed_; }
    void stop(); // no more connections; it exits when drained
    // To be called on SIGCHLD: notices its end, and that of its signer.
    void reap();

  private:
    explicit NetHandle(io::Loop& loop, Events events) : loop_(loop), events_(std::move(events)) {}
    Status say_hello(const NetProgram& program);
    Result<MonitorEnd> send_to_program(ConnectionInfo info, int socket);
    Result<MonitorEnd> send_to_process(ConnectionInfo info, int socket);
    Result<MonitorEnd> ask_for_process();
    void prepare_process();
    void process_ended(std::uint64_t session, int status);
    void read_reports(int most);
    Status on_message(const priv::Message& message);
    void breached(const std::string& what);

    io::Loop& loop_;
    Events events_;
    std::unique_ptr<SignerHandle> signer_;
    std::function<std::uint64_t()> new_session_;
    priv::Channel channel_;
    priv::RequestGate reports_{{}};
    // A process for the next client, made while nobody waits: forked, confined, and waiting at the other end.
    std::optional<MonitorEnd> prepared_;
    bool forks_ = false;
    bool prepares_ = true; // until one has crashed without a client: from then on connections say why
    std::unique_ptr<io::Watch> watch_;
    std::uint64_t* page_ = nullptr;
    pid_t pid_ = -1;
    bool ready_ = false;
    bool killed_ = false; // by us
};

} // namespace posada::service
