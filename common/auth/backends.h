// SPDX-License-Identifier: BSD-2-Clause
// Who decides about a password: `[auth] backends`, in order. The first backend that knows the name decides; a name
// nobody knows costs one hash as well. Everything here may block: it runs in a worker (worker.h), never in the monitor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/auth/account.h"
#include "common/auth/hasher.h"

namespace posada::auth {

struct Attempt {
    std::string_view user; // login_name(); the users file ignores its ASCII case, Unix does not
    std::string_view password;
    std::string_view service;     // "pop3d"
    std::string_view pam_service; // "posada-pop3"
    std::string_view rip;         // numeric
};

enum class Outcome : std::uint8_t {
    accepted,
    refused,     // the name is known here, or known nowhere: reason says which
    unknown,     // this backend does not know the name
    unavailable, // could not be decided now
};
constexpr Outcome last_value(Outcome) { return Outcome::unavailable; }

struct Decision {
    Outcome outcome = Outcome::unknown;
    Account account;          // accepted
    std::string reason;       // one word for the log: bad-password, unknown-user, account-expired ...
    std::string detail;       // for the log: what failed and what to do
    std::string server_final; // SCRAM: the ServerSignature
    // Accepted, and on the way nothing came into this process but what belongs to that user: it may become his agent.
    // True for the users file alone (PAM modules read the whole of /etc/shadow). Not part of the encoded form.
    bool nothing_foreign = false;
    FIELDS(outcome, account, reason, detail, server_final)
};

std::string encode_decision(Decision decision);
Result<Decision> decode_decision(std::string_view bytes);

class Backend {
  public:
    virtual ~Backend() = default;
    virtual Decision check(const Attempt& attempt, Hasher& hasher) = 0;
};

class UsersBackend final : public Backend {
  public:
    explicit UsersBackend(std::string path) : path_(std::move(path)) {}
    Decision check(const Attempt& attempt, Hasher& hasher) override;

  private:
    std::string path_;
};

// Refuses what no backend should see (empty, over-long, NUL), then asks in order. Never answers `unknown`.
Decision decide(std::span<Backend* const> backends, const Attempt& attempt, Hasher& hasher);

// SCRAM works from the users file alone.
struct ScramStart {
    std::string salt;
    std::uint32_t iterations = 0;
    FIELDS(salt, iterations)
};
// For any name at all; unknown ones get a salt derived from secret.
Result<ScramStart> scram_start(const std::string& users_file, std::string_view user, std::string_view secret);
Decision scram_finish(const std::string& users_file, std::string_view user, std::string_view auth_message,
                      std::string_view client_proof);

// APOP as well: the digest over the monitor's own challenge. Unknown names, and users without a secret, cost the same.
Decision apop_check(const std::string& users_file, std::string_view user, std::string_view challenge,
                    std::string_view digest);

} // namespace posada::auth
