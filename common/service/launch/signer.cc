// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/signer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "common/base/clock.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/io/tls_pem.h"
#include "common/io/tls_server_sign.h"
#include "common/priv/drop.h"
#include "common/priv/process.h"
#include "common/service/log_transport.h"
#include "common/service/net_protocol.h"
#include "common/service/sign_protocol.h"

namespace posada::service {

namespace {

constexpr std::size_t ticket_key_size = 80;
constexpr std::size_t max_pem = 1024 * 1024;

struct Loaded {
    NetSecrets certificates;
    UniqueFd memfd; // of these
    std::vector<io::PkeyPtr> keys;
};

std::vector<LogField> loaded_fields(const CertificateFiles& files, const io::CertificateInfo& info,
                                    std::string_view service) {
    std::vector<LogField> fields{{"service", std::string(service)},
                                 {"file", files.chain},
                                 {"sha256", info.sha256},
                                 {"not-after", iso8601(info.not_after)}};
    const UnixTime now = SystemClock().unix_now();
    if (info.not_after < now)
        fields.push_back({"problem", "it has ended: clients that verify refuse it; renew it"});
    else if (info.not_before > now)
        fields.push_back({"problem", "it begins only " + iso8601(info.not_before) + ": is the clock right?"});
    return fields;
}

Status load_certificate(const CertificateFiles& files, const SignerSpec& spec, Loaded& into) {
    auto chain = read_file(files.chain, max_pem);
    if (!chain) return chain.error();
    auto key = read_file(files.key, max_pem);
    if (!key) return key.error();
    io::Certificate pair{std::move(*chain), std::move(*key)};
    const auto in_file = [&](const Error& why) {
        return Error{Errc::invalid, 0, files.chain + " and " + files.key + ": " + why.describe()};
    };
    if (const Status fits = io::check_certificate(pair); !fits) return in_file(fits.error());
    const auto info = io::inspect_certificate(pair.chain_pem);
    if (!info) return in_file(info.error());
    auto parsed = io::parse_key(pair.key_pem);
    if (!parsed) return in_file(parsed.error());
    if (spec.signs) wipe(pair.key_pem);
    log(event::cert_loaded, loaded_fields(files, *info, spec.service));
    into.keys.push_back(std::move(*parsed));
    into.certificates.certificates.push_back(std::move(pair));
    return {};
}

Result<Loaded> load(const SignerSpec& spec) {
    Loaded out;
    std::array<char, ticket_key_size> key{};
    if (::pread(spec.ticket_key, key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
        return errno_error("reading the ticket key");
    out.certificates.ticket_key.assign(key.data(), key.size());
    for (const CertificateFiles& pair : spec.files) RETURN_IF_ERROR(load_certificate(pair, spec, out));
    auto memfd = make_sealed_memfd("posada-certificates", encode(out.certificates));
    if (!memfd) return memfd.error();
    out.memfd = std::move(*memfd);
    wipe(out.certificates.ticket_key);
    for (io::Certificate& certificate : out.certificates.certificates) wipe(certificate.key_pem);
    return out;
}

Status confine(const SignerSpec& spec, int channel, int certificates) {
    if (!spec.signs) return {}; // there is nothing left to do
    RETURN_IF_ERROR(priv::null_standard_input_output());
    RETURN_IF_ERROR(priv::become_user(spec.identity.uid, spec.identity.gid, {}));
    auto sandbox = priv::prepare_sandbox(priv::SandboxProfile::signer, spec.sandbox, spec.log_fd);
    if (!sandbox) return sandbox.error();
    const int keep[] = {channel, certificates, spec.log_fd, sandbox->ruleset_fd()};
    close_all_except(keep);
    return sandbox->apply();
}

class Signer {
  public:
    Signer(priv::Channel channel, std::vector<io::PkeyPtr> keys, bool legacy)
        : channel_(std::move(channel)), keys_(std::move(keys)), legacy_(legacy) {}

    int serve() {
        for (;;) {
            auto received = channel_.receive(1);
            if (!received || !received->has_value()) return 0;
            handle(**received);
        }
    }

  private:
    void handle(const priv::Message& message) {
        const auto signature = sign(message);
        if (!signature && signature.error().code == Errc::protocol) return breach(message, signature.error().text);
        const std::string packet = signature ? priv::encode_ok(*signature) : priv::encode_failure(signature.error());
        // A descriptor of a stranger's choice: nothing is waited for, and what is no socket gets nothing.
        if (::send(message.fds[0].get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
    }

    Result<std::string> sign(const priv::Message& message) {
        if (message.type != Sign::row.type || message.fds.size() != 1)
            return Error{Errc::protocol, 0, "no request for a signature"};
        const auto asked = from_bytes<Sign>(message.payload);
        if (!asked) return asked.error();
        const io::SignRequest request = asked->request();
        if (request.key >= keys_.size()) return Error{Errc::protocol, 0, "no such key"};
        return io::sign_as_server(keys_[request.key].get(), request, legacy_);
    }

    void breach(const priv::Message& message, std::string_view what) {
        if (!channel_.send(static_cast<std::uint16_t>(SignerMessage::breach), message.session, what)) return;
    }

    priv::Channel channel_;
    std::vector<io::PkeyPtr> keys_;
    bool legacy_;
};

} // namespace

int run_signer(priv::Channel channel, const SignerSpec& spec) {
    RecordSink sink(spec.log_fd);
    set_log_sink(&sink);
    priv::set_process_title(std::string(spec.service) + " [signer]");
    auto loaded = load(spec);
    const Status confined = loaded ? confine(spec, channel.fd(), loaded->memfd.get()) : Status(loaded.error());
    const std::string verdict = confined ? priv::encode_ok() : priv::encode_failure(confined.error());
    const int certificates = confined ? loaded->memfd.get() : -1;
    const Status told = channel.send(static_cast<std::uint16_t>(SignerMessage::loaded), 0, verdict,
                                     {&certificates, confined ? 1U : 0U});
    if (!confined || !told) return exit_system;
    if (!spec.signs) return 0;
    loaded->memfd.reset();
    return Signer(std::move(channel), std::move(loaded->keys), spec.legacy).serve();
}

} // namespace posada::service
