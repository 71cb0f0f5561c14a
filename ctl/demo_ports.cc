// SPDX-License-Identifier: BSD-2-Clause
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "common/io/addr.h"
#include "ctl/demo.h"

namespace posada::ctl {

namespace {

// clang-format off
constexpr DemoService rows[] = {
    {"smtp",        "smtpd",  25, DemoTls::starttls, false, "220 "},
    {"submission",  "smtpd", 587, DemoTls::starttls, true,  "220 "},
    {"submissions", "smtpd", 465, DemoTls::implicit, true,  ""},
    {"pop3",        "pop3d", 110, DemoTls::starttls, false, "+OK "},
    {"pop3s",       "pop3d", 995, DemoTls::implicit, false, ""},
    {"ftp",         "ftpd",   21, DemoTls::starttls, false, "220 "},
    {"ftps",        "ftpd",  990, DemoTls::implicit, false, ""},
};
// clang-format on

constexpr int greeting_patience_ms = 10'000;

// held: let go when every port has been chosen, or one could be chosen twice; posadad binds them a moment later.
Result<std::uint16_t> probe(std::uint16_t port, std::vector<UniqueFd>& held) {
    const auto at = io::Address::parse(demo_host, port);
    if (!at) return at.error();
    auto fd = io::listen_tcp(*at);
    if (!fd) return fd.error();
    held.push_back(std::move(*fd));
    const auto local = io::Address::of_local(held.back().get());
    if (!local) return local.error();
    return local->port();
}

Result<UniqueFd> connect_to(std::uint16_t port) {
    const auto at = io::Address::parse(demo_host, port);
    if (!at) return at.error();
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return errno_error("socket");
    if (::connect(fd.get(), at->sa(), at->size()) != 0) return errno_error("connect");
    return fd;
}

Result<std::string> read_greeting(int fd, std::size_t enough) {
    std::string text;
    std::array<char, 512> buffer{};
    while (text.size() < enough) {
        pollfd wait{fd, POLLIN, 0};
        if (::poll(&wait, 1, greeting_patience_ms) <= 0) return Error{Errc::timeout, 0, "no greeting"};
        const ssize_t n = ::read(fd, buffer.data(), buffer.size());
        if (n <= 0) return Error{Errc::closed, 0, "closed without a greeting"};
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
}

Status check_service(const DemoService& service) {
    const auto fd = connect_to(service.port);
    if (!fd) return fd.error();
    if (service.greeting.empty()) return {};
    const auto greeting = read_greeting(fd->get(), service.greeting.size());
    if (!greeting) return greeting.error();
    if (greeting->compare(0, service.greeting.size(), service.greeting) != 0)
        return Error{Errc::protocol, 0, "greets with: " + greeting->substr(0, greeting->find('\r'))};
    return {};
}

} // namespace

std::string_view tls_word(DemoTls tls) {
    switch (tls) {
    case DemoTls::none: return "none";
    case DemoTls::starttls: return "starttls";
    case DemoTls::implicit: return "implicit";
    }
    return "none";
}

const DemoService& Demo::service(std::string_view name) const {
    for (const DemoService& one : services)
        if (one.name == name) return one;
    std::abort(); // the names are ours
}

Status choose_ports(Demo& demo) {
    const std::uint16_t base = demo.options.base_port;
    std::vector<UniqueFd> held;
    for (DemoService service : rows) {
        const auto wanted = static_cast<std::uint16_t>(base == 0 ? 0 : base + service.standard_port);
        const auto port = probe(wanted, held);
        if (!port)
            return Error{port.error().code, port.error().sys,
                         "port " + std::to_string(wanted) + " of 127.0.0.1 (" + std::string(service.name) +
                             ") cannot be had; choose another --base-port, or --base-port 0 for free ones"};
        service.port = *port;
        demo.services.push_back(service);
    }
    return {};
}

Status check_services(const Demo& demo) {
    for (const DemoService& service : demo.services) {
        if (const Status answered = check_service(service); !answered)
            return Error{answered.error().code, answered.error().sys,
                         std::string(service.name) + " on port " + std::to_string(service.port) + ": " +
                             answered.error().text};
    }
    return {};
}

} // namespace posada::ctl
