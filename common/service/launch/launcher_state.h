// SPDX-License-Identifier: BSD-2-Clause
// The running launcher: endpoints, the net program (and retiring ones), live sessions with their monitors.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/io/loop.h"
#include "common/service/connection_requests.h"
#include "common/service/launch/certificate_watch.h"
#include "common/service/launch/command_line.h"
#include "common/service/launch/launcher.h"
#include "common/service/launch/limits.h"
#include "common/service/launch/net_handle.h"
#include "common/service/launch/waiting.h"

namespace posada::service {

class Launcher;

// One accepted connection: its channel, its gate, its monitor session. Lives until the channel ends.
class LiveSession final : public MonitorLink {
  public:
    LiveSession(Launcher& launcher, SessionInfo info, UniqueFd channel, NetHandle* net, std::uint32_t slot);
    void start();

    void answer(std::uint16_t request_type, std::string_view payload, std::span<const int> fds) override;
    void kill(std::string_view why) override;
    io::Loop& loop() override;

    [[nodiscard]] const SessionInfo& info() const { return info_; }
    // The place in the limits, to be released; nothing when that was done before.
    [[nodiscard]] std::optional<std::uint32_t> slot() const { return slot_; }
    std::optional<std::uint32_t> take_slot() { return std::exchange(slot_, std::nullopt); }
    [[nodiscard]] NetHandle* net() const { return net_; }
    void net_gone() { net_ = nullptr; }
    Result<priv::Later> on(const ClientAddress& request, const priv::Message& message);
    // The net side sees the end of its channel and finishes in its own way.
    void please_finish();

  private:
    void on_readable();
    void sign(const priv::Message& message);
    void end();

    Launcher& launcher_;
    SessionInfo info_;
    priv::Channel channel_;
    priv::RequestGate gate_;
    NetHandle* net_;
    std::optional<std::uint32_t> slot_;
    std::shared_ptr<MonitorService> shared_; // ours until the end, whatever a reload does
    std::unique_ptr<MonitorSession> monitor_;
    std::unique_ptr<io::Watch> watch_;
    bool untouched_ = true; // nothing was asked yet
    bool ended_ = false;
};

class Launcher {
  public:
    Launcher(io::Loop& loop, const LauncherDaemon& daemon, CommandLine options);
    ~Launcher();
    // Loads, binds, starts the net program. An Error's code tells the exit status: invalid = 78, else 71.
    Status start();
    void run();
    [[nodiscard]] int exit_code() const { return exit_code_; }

  private:
    friend class LiveSession;
    // start-up and reload
    Result<Settings> load();
    [[nodiscard]] std::vector<Listener> served(const Settings& settings) const;
    void watch_signals();
    Status make_monitor();
    Status check_reload(const Settings& settings);
    Result<NetProgram> make_program(const Settings& settings);
    // Null without certificates.
    Result<std::unique_ptr<SignerHandle>> start_signer(const Settings& settings) const;
    void reload(std::string_view why);
    void watch_certificates();
    void certificates_changed();
    // the net program
    Status start_net();
    void replace_net(std::string_view why); // new connections go to a fresh one; the old one drains
    void renew_net(std::string_view why);   // after a crash or a breach, where every connection has a process
    void net_exited(NetHandle* net, int status);
    void net_ready(NetHandle* net);
    void signer_exited(NetHandle* net, int status);
    void signing_breached(std::uint64_t session, const std::string& what);
    void announce();
    void fail_start();
    void restart_later();
    void serve_single();
    void open_missing_channels();
    void connection_ended(std::uint64_t session, int status);
    Status open_channel(NetHandle* net, const std::string& name);
    void net_breached(const std::string& what);
    // clients
    void accept_from(const Endpoint& endpoint);
    void admit(UniqueFd socket, const Endpoint& endpoint);
    void hand_over(UniqueFd socket, const Endpoint& endpoint, std::uint32_t slot, const std::string& source);
    // What limits count before a proxy has named its client: nothing that another connection has.
    [[nodiscard]] std::string source_of(const io::Address& peer, const Listener& listener);
    // false: the client has too many connections, or a penalty.
    [[nodiscard]] bool admit_client(const LiveSession& session, const io::Address& client);
    void refuse(const UniqueFd& socket, const Endpoint& endpoint, const io::Address& peer, Refused which);
    [[nodiscard]] bool make_room(const std::string& newcomer, Refused which);
    void pause_accepting(bool paused);
    void session_ended(std::uint64_t id);
    void penalise(const std::string& source, const io::Address& peer, std::string_view reason);
    // the rest
    void read_log();
    void on_signal_child();
    void stop(std::string_view why);
    void finish_if_drained();
    [[nodiscard]] bool agents_work();

    io::Loop& loop_;
    const LauncherDaemon& daemon_;
    const std::vector<priv::RequestInfo> requests_; // of a connection to its monitor
    CommandLine options_;
    Settings settings_;
    std::vector<Listener> listeners_; // those this daemon serves
    std::shared_ptr<MonitorService> monitor_service_;
    std::vector<std::shared_ptr<MonitorService>> old_services_; // whose sessions or agents are of before a reload
    std::unique_ptr<LogSink> sink_;
    std::optional<Limits> limits_;
    UniqueFd log_in_;
    UniqueFd log_out_;
    std::unique_ptr<io::Watch> log_watch_;
    Launched launched_;
    std::vector<std::unique_ptr<io::Watch>> accepting_;
    std::unique_ptr<NetHandle> net_;
    std::vector<std::unique_ptr<NetHandle>> retiring_;
    struct MissingChannel {
        NetHandle* net = nullptr;
        std::string name;
    };
    std::vector<MissingChannel> missing_channels_; // those of programs that retire, too: their sessions go on
    Instant channels_deadline_{};
    UniqueFd ticket_key_;
    std::unordered_map<std::uint64_t, std::unique_ptr<LiveSession>> sessions_;
    std::deque<std::pair<std::uint64_t, io::Address>> recent_; // ended sessions whose process may yet be reported
    Waiting waiting_;                                          // before login
    std::size_t evicted_ = 0;                                  // told to go, and not gone yet
    std::uint64_t next_id_ = 1;
    Millis restart_delay_{0};
    std::unique_ptr<io::Timer> restart_timer_;
    std::unique_ptr<CertificateWatch> certificates_;
    std::unique_ptr<io::Timer> stop_timer_;
    std::unique_ptr<io::Timer> channel_timer_;
    std::unique_ptr<io::Timer> resume_timer_;
    std::vector<std::unique_ptr<io::SignalWatch>> signals_;
    bool announced_ = false;
    bool stopping_ = false;
    int exit_code_ = 0;
};

} // namespace posada::service
