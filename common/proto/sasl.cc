// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/sasl.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/proto/base64.h"

namespace posada::proto {

namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::string_view names[] = {"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"};
constexpr std::string_view binding_name = "p=tls-exporter";
constexpr std::size_t max_nonce = 256;
constexpr std::size_t max_server_first = 1024;
constexpr std::size_t sha256_size = 32;

bool is_scram(SaslMechanism mechanism) {
    return mechanism == SaslMechanism::scram_sha_256 || mechanism == SaslMechanism::scram_sha_256_plus;
}

// RFC 5802 5.1: printable ASCII without the comma.
bool is_nonce(std::string_view text) {
    const auto fits = [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; };
    return !text.empty() && text.size() <= max_nonce && std::all_of(text.begin(), text.end(), fits);
}

// saslname: "=2C" is a comma, "=3D" an equals sign, nothing else may follow "=".
std::optional<std::string> decode_saslname(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '=') {
            out += text[i];
            continue;
        }
        const std::string_view code = text.substr(i, 3);
        if (code != "=2C" && code != "=3D") return std::nullopt;
        out += code == "=2C" ? ',' : '=';
        i += 2;
    }
    return out;
}

// Takes "x=value" up to the next comma off the front; nullopt if another attribute stands there.
std::optional<std::string_view> take_attribute(std::string_view& in, char name) {
    if (in.size() < 2 || in[0] != name || in[1] != '=') return std::nullopt;
    const std::size_t comma = in.find(',');
    const std::string_view value = in.substr(2, comma == npos ? npos : comma - 2);
    in = comma == npos ? std::string_view() : in.substr(comma + 1);
    return value;
}

} // namespace

std::string_view mechanism_name(SaslMechanism mechanism) noexcept { return names[static_cast<std::size_t>(mechanism)]; }

std::optional<SaslMechanism> find_mechanism(std::string_view name) noexcept {
    for (std::size_t i = 0; i < std::size(names); ++i)
        if (iequals(name, names[i])) return static_cast<SaslMechanism>(i);
    return std::nullopt;
}

SaslStep SaslServer::challenge(std::string text, Expect next) {
    expect_ = next;
    return SaslChallenge{std::move(text)};
}

SaslStep SaslServer::fail(SaslFault fault, std::string why) {
    expect_ = Expect::over;
    return SaslFailed{fault, std::move(why)};
}

SaslStep SaslServer::start(std::optional<std::string_view> initial) {
    if (expect_ != Expect::start) return fail(SaslFault::malformed, "the exchange has begun already");
    expect_ = Expect::first;
    if (!initial) return challenge(mechanism_ == SaslMechanism::login ? "Username:" : "", Expect::first);
    if (*initial == "=") return message({});
    if (initial->empty()) return fail(SaslFault::malformed, "empty initial response");
    return response(*initial);
}

SaslStep SaslServer::response(std::string_view line) {
    if (line == "*") return fail(SaslFault::cancelled, "cancelled by the client");
    auto decoded = base64_decode(line, max_sasl_line);
    if (!decoded) return fail(SaslFault::malformed, "not base64");
    SaslStep out = message(*decoded);
    wipe(*decoded);
    return out;
}

SaslStep SaslServer::message(std::string_view decoded) {
    if (expect_ == Expect::password) return login_password(decoded);
    if (expect_ == Expect::scram_final) return scram_final(decoded);
    if (expect_ == Expect::ack) {
        if (!decoded.empty()) return fail(SaslFault::malformed, "data after the server's signature");
        expect_ = Expect::over;
        return SaslDone{account_};
    }
    if (expect_ != Expect::first) return fail(SaslFault::malformed, "no message is due");
    if (is_scram(mechanism_)) return scram_first(decoded);
    return mechanism_ == SaslMechanism::login ? login_user(decoded) : plain(decoded);
}

// What reaches the monitor and its helpers is a name: UTF-8 without control bytes (a newline in it would be a second
// line of somebody's protocol).
std::optional<SaslFailed> SaslServer::name_fault(std::string_view user) const {
    if (user.empty()) return SaslFailed{SaslFault::malformed, "empty user name"};
    if (user.size() > max_sasl_user) return SaslFailed{SaslFault::denied, "user name too long"};
    if (has_control(user)) return SaslFailed{SaslFault::denied, "control character in the user name"};
    if (!is_valid_utf8(user)) return SaslFailed{SaslFault::denied, "user name is not UTF-8"};
    return std::nullopt;
}

SaslStep SaslServer::check(std::string_view user, std::string_view password) {
    expect_ = Expect::over;
    user_ = user;
    if (auto fault = name_fault(user)) return *fault;
    if (password.empty()) return SaslFailed{SaslFault::denied, "empty password"};
    if (password.size() > max_sasl_password) return SaslFailed{SaslFault::denied, "password too long"};
    if (password.find('\0') != npos) return SaslFailed{SaslFault::denied, "NUL in the password"};
    return CheckPassword{user_, Secret(password)};
}

// [authzid] NUL authcid NUL passwd
SaslStep SaslServer::plain(std::string_view message) {
    const auto parts = split(message, '\0');
    if (parts.size() != 3) return fail(SaslFault::malformed, "PLAIN needs two NULs");
    if (!parts[0].empty() && parts[0] != parts[1]) return fail(SaslFault::denied, "acting for another user");
    return check(parts[1], parts[2]);
}

SaslStep SaslServer::login_user(std::string_view message) {
    user_ = message;
    if (auto fault = name_fault(user_)) return fail(fault->fault, fault->why);
    return challenge("Password:", Expect::password);
}

SaslStep SaslServer::login_password(std::string_view message) { return check(std::string(user_), message); }

std::optional<SaslFailed> SaslServer::gs2_fault(std::string_view flag) const {
    const bool plus = mechanism_ == SaslMechanism::scram_sha_256_plus;
    if (plus && flag != binding_name) return SaslFailed{SaslFault::denied, "channel binding missing or unknown"};
    if (plus && exporter_.empty()) return SaslFailed{SaslFault::denied, "no channel binding on this connection"};
    if (plus || flag == "n") return std::nullopt;
    if (flag == "y" && !plus_offered_) return std::nullopt;
    if (flag == "y") return SaslFailed{SaslFault::denied, "the client did not see our -PLUS: downgrade"};
    return SaslFailed{SaslFault::malformed, "bad channel binding flag"};
}

// gs2-header = cbind-flag "," [ "a=" authzid ] ","; then [reserved-mext] n=user,r=nonce[,extensions]
SaslStep SaslServer::scram_first(std::string_view message) {
    const auto bad = [this](const char* why) { return fail(SaslFault::malformed, why); };
    const std::size_t first = message.find(',');
    const std::size_t second = first == npos ? npos : message.find(',', first + 1);
    if (second == npos) return bad("no gs2 header");
    if (auto fault = gs2_fault(message.substr(0, first))) return fail(fault->fault, fault->why);
    std::string_view authzid_part = message.substr(first + 1, second - first - 1);
    std::string_view rest = message.substr(second + 1);
    gs2_header_ = message.substr(0, second + 1);
    client_first_bare_ = rest;
    const auto name = take_attribute(rest, 'n');
    const auto nonce = take_attribute(rest, 'r');
    if (!name || !nonce || !is_nonce(*nonce)) return bad("not a SCRAM client-first-message");
    const auto user = decode_saslname(*name);
    if (!user) return bad("bad saslname");
    user_ = *user;
    if (auto fault = name_fault(user_)) return fail(fault->fault, fault->why);
    if (!authzid_part.empty()) {
        const auto authzid = take_attribute(authzid_part, 'a');
        const auto decoded = authzid ? decode_saslname(*authzid) : std::nullopt;
        if (!decoded) return bad("bad authzid");
        if (*decoded != user_) return fail(SaslFault::denied, "acting for another user");
    }
    client_nonce_ = *nonce;
    expect_ = Expect::scram_server;
    return SaslScramFirst{user_, client_first_bare_, gs2_header_, std::string(mechanism_name(mechanism_))};
}

SaslStep SaslServer::scram_started(std::string_view server_first) {
    if (expect_ != Expect::scram_server) return fail(SaslFault::malformed, "no server-first-message is due");
    std::string_view rest = server_first.substr(0, max_server_first);
    const auto nonce = take_attribute(rest, 'r');
    const bool good = nonce && nonce->size() > client_nonce_.size() &&
                      nonce->substr(0, client_nonce_.size()) == client_nonce_ &&
                      server_first.size() <= max_server_first;
    if (!good) return fail(SaslFault::denied, "the monitor's server-first-message is not one");
    nonce_ = *nonce;
    server_first_ = server_first;
    return challenge(server_first_, Expect::scram_final);
}

// c=biws,r=nonce[,extensions],p=proof
SaslStep SaslServer::scram_final(std::string_view message) {
    const auto bad = [this](const char* why) { return fail(SaslFault::malformed, why); };
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == npos) return bad("no proof");
    const std::string_view without_proof = message.substr(0, proof_at);
    std::string_view rest = without_proof;
    const auto binding = take_attribute(rest, 'c');
    const auto nonce = take_attribute(rest, 'r');
    const auto proof = base64_decode(message.substr(proof_at + 3), sha256_size);
    if (!binding || !nonce || !proof || proof->size() != sha256_size) return bad("not a SCRAM client-final-message");
    const bool plus = mechanism_ == SaslMechanism::scram_sha_256_plus;
    const std::string expected = plus ? gs2_header_ + exporter_ : gs2_header_;
    const auto bound = base64_decode(*binding, gs2_header_.size() + exporter_.size());
    if (!bound || !equal_constant_time(*bound, expected)) return fail(SaslFault::denied, "channel binding differs");
    if (*nonce != nonce_) return fail(SaslFault::denied, "nonce differs");
    expect_ = Expect::scram_verdict;
    SaslScramFinal out;
    out.auth_message = client_first_bare_ + "," + server_first_ + "," + std::string(without_proof);
    out.client_proof = *proof;
    return out;
}

SaslStep SaslServer::scram_verified(std::string_view server_signature, std::string_view account) {
    if (expect_ != Expect::scram_verdict) return fail(SaslFault::malformed, "no verdict is due");
    account_ = account;
    return challenge("v=" + base64_encode(server_signature), Expect::ack);
}

SaslClient::SaslClient(SaslMechanism mechanism, std::string user, Secret password)
    : mechanism_(mechanism), user_(std::move(user)), password_(std::move(password)) {}

std::optional<std::string> SaslClient::initial() {
    if (mechanism_ != SaslMechanism::plain || step_ != 0) return std::nullopt;
    ++step_;
    std::string message;
    message.append(1, '\0').append(user_).append(1, '\0').append(password_.view());
    std::string out = base64_encode(message);
    wipe(message);
    return out;
}

Result<std::string> SaslClient::respond(std::string_view challenge) {
    ++step_;
    if (mechanism_ == SaslMechanism::plain && step_ == 1) {
        step_ = 0;
        return initial().value_or("");
    }
    if (mechanism_ == SaslMechanism::login && step_ == 1) return base64_encode(user_);
    if (mechanism_ == SaslMechanism::login && step_ == 2) return base64_encode(password_.view());
    return Error{Errc::protocol, 0, "unexpected challenge \"" + escape_for_log(challenge.substr(0, 80)) + "\""};
}

} // namespace posada::proto
