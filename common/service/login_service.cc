// SPDX-License-Identifier: BSD-2-Clause
// What all login sessions of a launcher share, and how the configuration becomes a LoginConfig.
#include <unistd.h>

#include "common/auth/pam.h"
#include "common/auth/scram.h"
#include "common/auth/secret_file.h"
#include "common/auth/users_file.h"
#include "common/base/log.h"
#include "common/service/login.h"

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
    log(event::auth_temp, {{"reason", "scram-secret"},
                           {"error", secret.error().describe()},
                           {"effect", "salts of unknown users change with every start"}});
    return auth::random_bytes(auth::sha256_size);
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

bool scram_announced(const CommonOptions& options) {
    if (!options.auth.scram || usable_backends(options.auth) != std::vector<std::string>{"users"}) return false;
    const auto file = auth::UsersFile::load(options.paths.users_file);
    return file.ok() && file->all_have_scram();
}

LoginService::LoginService(io::Loop& loop, LoginConfig config)
    : loop_(loop), config_(std::move(config)), throttle_(loop.clock(), config_.throttle),
      pool_(config_.workers == 0 ? auth::WorkerPool::default_size() : config_.workers, config_.deadline,
            config_.log_fd),
      scram_secret_(scram_secret(config_.secret_file)), make_backends_(configured_backends) {}

LoginService::~LoginService() = default;

} // namespace posada::service
