// SPDX-License-Identifier: BSD-2-Clause
// Logins, the monitor's side. LoginService is made once per launcher: workers, throttle, SCRAM secret. LoginSession
// answers the rows of login_protocol.h for one connection and logs auth-ok, auth-fail, auth-temp. It keeps no verifier
// and no password, but for the seconds that an attempt of a penalised source is held before it may start
// (auth/parked_secret.h).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/auth/account.h"
#include "common/auth/accounts.h"
#include "common/auth/backends.h"
#include "common/auth/throttle.h"
#include "common/auth/worker.h"
#include "common/base/secret.h"
#include "common/service/config/options.h"
#include "common/service/launch/monitor.h"
#include "common/service/login_protocol.h"

namespace posada::service {

struct LoginConfig {
    std::string service;     // "pop3d": in logs
    std::string pam_service; // "posada-pop3"
    std::string users_file;
    std::string secret_file;           // 0600, made when absent
    std::vector<std::string> backends; // "users", "pam", in order
    std::vector<std::string> domains;  // "name@domain" logs in as name
    uid_t first_valid_uid = 1000;
    std::uint32_t max_attempts = 3;
    Millis deadline{30'000};
    unsigned workers = 0; // 0 = 4 x cores
    bool scram = false;   // announced: every user should have a verifier
    auth::ThrottleConfig throttle;
    std::vector<io::Network> exempt; // no delays
    int log_fd = -1;
};

// Without root the PAM backend is left out.
LoginConfig login_config(const CommonOptions& options, std::string_view service, std::string_view pam_service);
// For the lookup worker and for deliver.
auth::AccountSources account_sources(const CommonOptions& options);
class LoginService {
  public:
    // Reads or makes the secret file; without one (read-only state) logs it and uses a secret of this process. Then a
    // worker looks through the users file, and what it finds is logged as auth-setup.
    LoginService(io::Loop& loop, LoginConfig config);
    ~LoginService();
    LoginService(const LoginService&) = delete;
    LoginService& operator=(const LoginService&) = delete;
    [[nodiscard]] const LoginConfig& config() const { return config_; }

    // Whether a user of the file has an APOP secret. The file is looked through by a worker, at the start and when it
    // has changed; until that worker has answered the old answer stands.
    bool has_apop_secrets();

    // The work of an attempt, done in a worker; tests put their own backend here.
    using BackendMaker = std::function<std::vector<std::unique_ptr<auth::Backend>>(const LoginConfig&)>;
    void set_backends(BackendMaker maker) { make_backends_ = std::move(maker); }

  private:
    friend class LoginSession;
    io::Loop& loop_;
    LoginConfig config_;
    auth::Throttle throttle_;
    auth::WorkerPool pool_;
    std::string scram_secret_;
    BackendMaker make_backends_;
    void check_users();
    void reap(); // finished workers, now and until none is left; who waits for one comes next
    std::deque<std::function<void()>> waiting_;
    io::Timer reap_timer_;
    void take_findings(std::string_view findings);
    bool apop_ = false;         // a user has a secret
    auth::FileStamp checked_;   // the users file that checker_ reads or has read
    auth::WorkerPool checkers_; // not among the logins' workers
    std::unique_ptr<auth::Worker> checker_;
    std::unique_ptr<io::Watch> checker_watch_;
};

// What a daemon adds to a successful login: the user's agent, whose channel travels with the answer (agent_hooks.h).
class LoginHooks {
  public:
    virtual ~LoginHooks() = default;
    // An error is answered instead of the success, and the session stays before login. The agent may be there already,
    // but has been told nothing; it ends then.
    virtual Status on_login(const auth::Account& account) = 0;
    virtual Result<UniqueFd> start_agent(const auth::Account& account) = 0;
    // The login worker that goes on as the agent: it needs these descriptors, calls become_agent() and exits with its
    // value; the monitor adopts it.
    [[nodiscard]] virtual std::vector<int> agent_fds() const = 0;
    virtual int become_agent(const auth::Account& account, UniqueFd channel) = 0;
    virtual void adopt_agent(const auth::Account& account, pid_t pid) = 0;
};

// An attempt by a method that one daemon alone has (pop3d: APOP).
struct DaemonMethod {
    // In the worker; name: of the account.
    using Decide = std::function<auth::Decision(const std::string& users_file, const std::string& name)>;
    std::uint16_t request_type; // a row of the daemon's, answered with LoggedIn
    std::string name;           // in logs
    std::string user;           // as typed
    std::string proof;          // the same again costs nothing again (auth/throttle.h)
    Decide decide;
};

class LoginSession final : public MonitorSession {
  public:
    // hooks: nullptr = nothing to add. All outlive the session.
    LoginSession(LoginService& service, MonitorLink& link, const SessionInfo& info, LoginHooks* hooks);
    ~LoginSession() override;
    // Of login_protocol.h; anything else is a breach.
    void handle(priv::Message message) override;
    // Held, counted, logged and answered as the others are. An error is a breach: one attempt at a time.
    Result<priv::Later> attempt(DaemonMethod method);

  private:
    struct State;
    std::shared_ptr<State> state_; // who waits for a worker holds it weakly
};

} // namespace posada::service
