// SPDX-License-Identifier: BSD-2-Clause
// What all login sessions of a launcher share, and how the configuration becomes a LoginConfig.
#include <unistd.h>

#include <algorithm>

#include "common/auth/pam.h"
#include "common/auth/scram.h"
#include "common/auth/secret_file.h"
#include "common/auth/users_file.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/service/login/login.h"

namespace posada::service {

namespace {

std::vector<std::string> usable_backends(const AuthOptions& auth) {
    std::vector<std::string> out;
    for (const std::string& name : auth.backends)
        if (name != "pam" || ::geteuid() == 0) out.push_back(name);
    return out;
}

std::vector<std::unique_ptr<auth::Backend>> configured_backends(const LoginConfig& config) {
    std::vector<std::unique_ptr<auth::Backend>> out;
    for (const std::string& name : config.backends) {
        if (name == "users") out.push_back(std::make_unique<auth::UsersBackend>(config.users_file));
        if (name == "pam") out.push_back(std::make_unique<auth::PamBackend>(config.first_valid_uid));
    }
    return out;
}

std::string scram_secret(const std::string& path) {
    auto secret = auth::load_or_make_secret(path);
    if (secret) return std::move(*secret);
    log(event::auth_setup,
        {{"error", secret.error().describe() + "; until then the salts of unknown names change with every start"}});
    return auth::random_bytes(auth::sha256_size);
}

constexpr std::string_view apop_found = "apop\n";
constexpr std::string_view no_apop_found = "\n";

// Runs in a worker: the verifiers shall not stay in the monitor's memory. One finding per line, behind the line that
// says whether anybody has an APOP secret.
std::string users_file_findings(const std::string& path, bool scram) {
    const auto file = auth::UsersFile::load(path);
    if (!file) return std::string(no_apop_found) + file.error().describe() + "\n";
    const auto& users = file->entries();
    const auto has_apop = [](const auth::UserEntry& entry) { return !entry.options.apop.empty(); };
    std::string out(std::any_of(users.begin(), users.end(), has_apop) ? apop_found : no_apop_found);
    for (const auth::UsersFileError& error : file->errors()) out += error.text + "\n";
    for (const auth::UserEntry& entry : file->entries())
        if (scram && !entry.scram)
            out += path + ": " + entry.name +
                   " has no SCRAM verifier, and clients that see SCRAM try nothing else; run: posada user passwd " +
                   entry.name + "\n";
    return out.substr(0, auth::max_worker_result - 2);
}

} // namespace

LoginConfig login_config(const CommonOptions& options, std::string_view service, std::string_view pam_service) {
    LoginConfig out;
    out.service = service;
    out.pam_service = pam_service;
    out.users_file = options.paths.users_file;
    out.secret_file = options.paths.state_dir + "/scram-secret";
    out.backends = usable_backends(options.auth);
    out.domains = options.mail.domains;
    if (out.domains.empty()) out.domains.push_back(options.hostname);
    out.first_valid_uid = options.auth.first_valid_uid;
    out.max_attempts = options.auth.max_attempts;
    out.deadline = options.auth.deadline;
    out.workers = options.auth.workers;
    out.throttle.delays = options.auth.delays;
    out.throttle.file = options.paths.run_dir + "/login-delays";
    out.scram = options.auth.scram;
    out.exempt = options.auth.exempt;
    return out;
}

auth::AccountSources account_sources(const CommonOptions& options) {
    auth::AccountSources out;
    out.users_file = options.paths.users_file;
    out.unix_accounts = false;
    for (const std::string& name : usable_backends(options.auth))
        if (name == "pam") out.unix_accounts = true;
    out.first_valid_uid = options.auth.first_valid_uid;
    return out;
}

LoginService::LoginService(io::Loop& loop, LoginConfig config)
    : loop_(loop), config_(std::move(config)), throttle_(loop.clock(), config_.throttle),
      pool_(config_.workers == 0 ? auth::WorkerPool::default_size() : config_.workers, config_.deadline,
            config_.log_fd),
      scram_secret_(scram_secret(config_.secret_file)), make_backends_(configured_backends),
      reap_timer_(loop, [this] { reap(); }), checkers_(1, config_.deadline, config_.log_fd) {
    if (!throttle_.shared() && ::geteuid() == 0)
        log(event::auth_setup, {{"error", throttle_.shared().error().describe() +
                                              "; until then each daemon counts wrong passwords by itself"}});
    const auto& backends = config_.backends;
    if (std::find(backends.begin(), backends.end(), "pam") != backends.end())
        auth::keep_pam_modules(config_.pam_service);
    check_users();
}

void LoginService::check_users() {
    if (std::find(config_.backends.begin(), config_.backends.end(), "users") == config_.backends.end()) return;
    checked_ = auth::file_stamp(config_.users_file);
    auto started = checkers_.start([this] { return users_file_findings(config_.users_file, config_.scram); });
    if (!started) return; // the logins will say what is wrong
    checker_ = std::move(*started);
    checker_watch_ = std::make_unique<io::Watch>(loop_, checker_->fd(), io::Interest::read, [this](io::Interest) {
        const auto findings = checker_->read();
        if (!findings) return;
        checker_watch_.reset();
        checker_.reset();
        reap();
        if (*findings) take_findings(**findings);
    });
}

void LoginService::take_findings(std::string_view findings) {
    apop_ = findings.substr(0, apop_found.size()) == apop_found;
    for (const std::string_view line : split(findings.substr(findings.find('\n')), '\n'))
        if (!line.empty()) log(event::auth_setup, {{"service", config_.service}, {"error", std::string(line)}});
}

bool LoginService::has_apop_secrets() {
    if (!checker_ && auth::file_stamp(config_.users_file) != checked_) check_users();
    return apop_;
}

LoginService::~LoginService() = default;

// A worker's result is here a moment before its process is gone; nobody waits for that moment in a loop that serves
// all.
void LoginService::reap() {
    pool_.reap();
    checkers_.reap();
    if (pool_.dying() + checkers_.dying() > 0) reap_timer_.start(waiting_.empty() ? Millis(100) : Millis(1));
    while (!waiting_.empty() && !pool_.full()) {
        const auto next = std::move(waiting_.front());
        waiting_.pop_front();
        next();
    }
}

} // namespace posada::service
