// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/config/config_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace posada::service {

namespace {

constexpr std::size_t longest_host_name = 253;
constexpr std::size_t longest_label = 63;
constexpr std::uint32_t understood_version = 1;

bool is_label(std::string_view label) {
    if (label.empty() || label.size() > longest_label || label.front() == '-' || label.back() == '-') return false;
    return std::all_of(label.begin(), label.end(), [](char c) {
        return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_';
    });
}

void check_certificates(const TlsOptions& tls, PlacedCheck& check) {
    if (!tls.chain.empty() && tls.key.empty())
        check.error("tls.chain", "\"chain\" without \"key\": TLS needs the private key too");
    if (tls.chain.empty() && !tls.key.empty())
        check.error("tls.key", "\"key\" without \"chain\": TLS needs the certificate too");
    for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
        const CertificateFiles& files = tls.certificates[i];
        if (check.written(fmt::format("tls.certificates[{}].chain", i)) && files.chain.empty())
            check.error(fmt::format("tls.certificates[{}].chain", i), "\"chain\" is empty");
        if (check.written(fmt::format("tls.certificates[{}].key", i)) && files.key.empty())
            check.error(fmt::format("tls.certificates[{}].key", i), "\"key\" is empty");
    }
}

void check_paths(const PathOptions& paths, PlacedCheck& check) {
    const std::pair<std::string_view, const std::string&> needed[] = {
        {"state_dir", paths.state_dir}, {"run_dir", paths.run_dir}, {"users_file", paths.users_file}};
    for (const auto& [key, value] : needed)
        if (value.empty()) check.error(fmt::format("paths.{}", key), fmt::format("\"{}\" must not be empty", key));
}

void check_limits(const LimitConfig& limits, PlacedCheck& check) {
    if (limits.per_source > limits.per_service)
        check.error("limits.per_source", fmt::format("\"per_source\" ({}) is more than \"per_service\" ({})",
                                                     limits.per_source, limits.per_service));
    if (limits.per_service > limits.total)
        check.error("limits.per_service",
                    fmt::format("\"per_service\" ({}) is more than \"total\" ({})", limits.per_service, limits.total));
    if (limits.penalty_start > limits.penalty_max)
        check.error("limits.penalty_start",
                    fmt::format("\"penalty_start\" ({}) is more than \"penalty_max\" ({})",
                                duration_text(limits.penalty_start), duration_text(limits.penalty_max)));
}

void check_auth(const AuthOptions& auth, PlacedCheck& check) {
    if (auth.backends.empty())
        check.error("auth.backends",
                    "\"backends\" is empty: nobody could log in; write [\"users\"], [\"pam\"] or both");
    const bool pam = std::find(auth.backends.begin(), auth.backends.end(), "pam") != auth.backends.end();
    if (auth.scram && pam)
        check.error("auth.scram", "\"scram\" needs backends = [\"users\"]: accounts of PAM have no SCRAM verifier, and "
                                  "clients that see SCRAM do not try anything else");
}

// ---- listeners

bool is_private_only(const Listener& listener) {
    return std::all_of(listener.addresses.begin(), listener.addresses.end(), [](const std::string& text) {
        const auto address = io::Address::parse(text, 0);
        return address.ok() && address->is_private();
    });
}

std::string element_path(std::size_t index, std::string_view key) { return fmt::format("listen[{}].{}", index, key); }

void check_listener(const Listener& listener, std::size_t index, bool tls_configured, PlacedCheck& check) {
    const std::string tls_path = element_path(index, "tls");
    if (listener.name.empty() && check.written(element_path(index, "name")))
        check.error(element_path(index, "name"), "\"name\" is empty");
    if (check.written(tls_path) && listener.tls != TlsMode::none && !tls_configured)
        check.error(tls_path, "this listener needs a certificate: set \"chain\" and \"key\" in [tls]");
    if (listener.tls == TlsMode::legacy && !is_private_only(listener))
        check.error(tls_path, "\"legacy\" TLS can be broken by anybody on the way: it is allowed on private addresses "
                              "only; write them in \"address\"");
    if (listener.trusted && !is_private_only(listener))
        check.error(element_path(index, "trusted"), "\"trusted\" is allowed on private addresses only; write them in "
                                                    "\"address\"");
}

// Keys that mean nothing here must not look as if they did.
void check_keys_of_mail(std::size_t index, PlacedCheck& check) {
    for (const std::string_view key : {"auth", "trusted"})
        if (const std::string path = element_path(index, key); check.written(path))
            check.error(path, fmt::format("\"{}\" is for [[smtpd.listen]] only", key));
}

bool share_address(const Listener& a, const Listener& b) {
    return std::any_of(a.addresses.begin(), a.addresses.end(), [&](const std::string& x) {
        return std::any_of(b.addresses.begin(), b.addresses.end(),
                           [&](const std::string& y) { return x == y || x == "*" || y == "*"; });
    });
}

void check_pair(const std::vector<Listener>& all, std::size_t first, std::size_t second, PlacedCheck& check) {
    const Listener& a = all[first];
    const Listener& b = all[second];
    if (a.name == b.name && !a.name.empty())
        check.error(element_path(second, "name"),
                    fmt::format("the name \"{}\" is taken at {}", b.name, check.place(element_path(first, "name"))));
    else if (a.fd_name == b.fd_name && !a.fd_name.empty())
        check.error(element_path(second, check.written(element_path(second, "fd_name")) ? "fd_name" : "name"),
                    fmt::format("LISTEN_FDNAMES name \"{}\" is that of listener \"{}\" too", b.fd_name, a.name));
    if (a.port == b.port && a.port != 0 && share_address(a, b))
        check.error(element_path(second, "port"), fmt::format("port {} on this address is taken at {}", b.port,
                                                              check.place(element_path(first, "port"))));
}

} // namespace

bool is_host_name(std::string_view name) {
    if (name.empty() || name.size() > longest_host_name) return false;
    const auto labels = split(name, '.');
    return std::all_of(labels.begin(), labels.end(), is_label);
}

std::string PlacedCheck::full(std::string_view path) const {
    if (base_.empty() || path.empty()) return base_.empty() ? std::string(path) : base_;
    return fmt::format("{}.{}", base_, path);
}

bool PlacedCheck::written(std::string_view path) const { return origins_.find(full(path)) != origins_.end(); }

std::string PlacedCheck::place(std::string_view path) const {
    const auto at = origins_.find(full(path));
    if (at == origins_.end()) return "another listener";
    return fmt::format("{}:{}:{}", at->second.file->name, at->second.line, at->second.column);
}

void PlacedCheck::error(std::string_view path, std::string message) {
    std::string wanted = full(path);
    while (!wanted.empty()) {
        if (const auto at = origins_.find(wanted); at != origins_.end())
            return errors_.add(*at->second.file, at->second.line, at->second.column, base_, std::move(message));
        const std::size_t end = wanted.find_last_of(".[");
        wanted.resize(end == std::string::npos ? 0 : end);
    }
    errors_.add(root_.file == nullptr ? std::string(default_config_file) : root_.file->name, base_, std::move(message));
}

void check_common(const CommonOptions& common, PlacedCheck& check) {
    if (common.config_version > understood_version)
        check.error(
            "config_version",
            fmt::format("this posada understands config_version {}; the file is for a newer one", understood_version));
    if (!is_host_name(common.hostname))
        check.error("hostname",
                    fmt::format("\"{}\" is not a host name; set \"hostname\"", escape_for_log(common.hostname)));
    for (const std::string& domain : common.mail.domains)
        if (!is_host_name(domain))
            check.error("mail.domains", fmt::format("\"{}\" is not a domain name", escape_for_log(domain)));
    check_paths(common.paths, check);
    check_certificates(common.tls, check);
    check_auth(common.auth, check);
    check_limits(common.limits, check);
}

void complete_listeners(ServiceOptions& service, const SectionInfo& section, bool tls_configured, PlacedCheck& check) {
    for (std::size_t i = 0; i < service.listen.size(); ++i) {
        Listener& listener = service.listen[i];
        if (listener.fd_name.empty()) listener.fd_name = listener.name;
        if (listener.addresses.empty()) listener.addresses = {"*"};
        if (!check.written(element_path(i, "plaintext_auth"))) listener.plaintext_auth = service.plaintext_auth;
        check_listener(listener, i, tls_configured, check);
        if (!section.takes_mail) check_keys_of_mail(i, check);
        for (std::size_t earlier = 0; earlier < i; ++earlier) check_pair(service.listen, earlier, i, check);
    }
}

} // namespace posada::service
