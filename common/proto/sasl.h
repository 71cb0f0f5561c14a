// SPDX-License-Identifier: BSD-2-Clause
// SASL, the message side: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and -PLUS (RFC 5802, 7677, 9266). Messages are parsed
// and checked here; no password and no key is ever compared here. What must be verified comes out as a step that the
// protocol passes to the monitor (check_password, scram_first, scram_final) and whose answer comes back in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/proto/login.h"

namespace posada::proto {

enum class SaslMechanism : unsigned char { plain, login, scram_sha_256, scram_sha_256_plus };

std::string_view mechanism_name(SaslMechanism mechanism) noexcept; // "SCRAM-SHA-256-PLUS"
std::optional<SaslMechanism> find_mechanism(std::string_view name) noexcept;

constexpr std::size_t max_sasl_line = 4096;    // octets of one base64 line, with its line end
constexpr std::size_t max_sasl_user = 255;     // octets of a login name
constexpr std::size_t max_sasl_password = 512; // octets of a password

struct SaslChallenge {
    std::string text; // raw; the protocol sends it in base64 ("334 ...", "+ ...") and answers with response()
};
// The fields are those of the request scram_first; the answer goes to scram_started().
struct SaslScramFirst {
    std::string user;
    std::string client_first_bare;
    std::string gs2_header;
    std::string mechanism;
};
// The fields are those of the request scram_final; the answer goes to scram_verified().
struct SaslScramFinal {
    std::string auth_message;
    std::string client_proof; // 32 octets
};
// The exchange ended well: only SCRAM ends here; PLAIN and LOGIN end with the monitor's answer.
struct SaslDone {
    std::string account;
};
enum class SaslFault : unsigned char {
    malformed, // not base64, or not a message of this mechanism: 501 5.5.2
    cancelled, // "*": 501 5.7.0
    denied,    // well formed and refused without asking anybody: 535 5.7.8
};
struct SaslFailed {
    SaslFault fault = SaslFault::malformed;
    std::string why; // for the log, no client text in it
};
using SaslStep = std::variant<SaslChallenge, CheckPassword, SaslScramFirst, SaslScramFinal, SaslDone, SaslFailed>;

// One attempt; a new attempt takes a new object (CVE-2011-1720: state of a failed exchange must not be reused).
class SaslServer {
  public:
    // exporter: Stream::tls_exporter(), empty without TLS 1.3. plus_offered: -PLUS was in the list the client saw; a
    // client that then claims the server has no channel binding ("y") was shown another list by somebody.
    SaslServer(SaslMechanism mechanism, std::string exporter = {}, bool plus_offered = false)
        : mechanism_(mechanism), exporter_(std::move(exporter)), plus_offered_(plus_offered) {}

    // initial: the initial response in base64, "=" for an empty one; nullopt when there was none.
    SaslStep start(std::optional<std::string_view> initial);
    // One line of the client, base64 or "*".
    SaslStep response(std::string_view line);
    // The monitor's server-first-message.
    SaslStep scram_started(std::string_view server_first);
    // The monitor accepted the proof: the server signature (32 octets) and the account.
    SaslStep scram_verified(std::string_view server_signature, std::string_view account);
    [[nodiscard]] SaslMechanism mechanism() const { return mechanism_; }
    // The name the client gave, as far as it is known; for logs.
    [[nodiscard]] const std::string& user() const { return user_; }

  private:
    enum class Expect : unsigned char { start, first, password, scram_server, scram_final, scram_verdict, ack, over };
    SaslStep message(std::string_view decoded);
    SaslStep plain(std::string_view message);
    SaslStep login_user(std::string_view message);
    SaslStep login_password(std::string_view message);
    SaslStep scram_first(std::string_view message);
    SaslStep scram_final(std::string_view message);
    SaslStep challenge(std::string text, Expect next);
    SaslStep fail(SaslFault fault, std::string why);
    SaslStep check(std::string_view user, std::string_view password);
    std::optional<SaslFailed> gs2_fault(std::string_view flag) const;
    std::optional<SaslFailed> name_fault(std::string_view user) const;

    SaslMechanism mechanism_;
    std::string exporter_;
    bool plus_offered_;
    Expect expect_ = Expect::start;
    std::string user_;
    std::string account_;
    std::string gs2_header_;
    std::string client_first_bare_;
    std::string client_nonce_;
    std::string server_first_;
    std::string nonce_;
};

// The client side, for the relay to a smarthost: PLAIN and LOGIN.
class SaslClient {
  public:
    // mechanism: plain or login.
    SaslClient(SaslMechanism mechanism, std::string user, Secret password);
    // The initial response in base64, to be sent behind the mechanism's name; PLAIN has one, LOGIN has none.
    std::optional<std::string> initial();
    // The answer in base64 to a challenge (raw bytes); Errc::protocol when the mechanism knows no further step.
    Result<std::string> respond(std::string_view challenge);

  private:
    SaslMechanism mechanism_;
    std::string user_;
    Secret password_;
    unsigned step_ = 0;
};

} // namespace posada::proto
