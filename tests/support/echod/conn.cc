// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/echod/conn.h"

#include <cstdlib>

#include "common/base/text.h"
#include "common/service/client_address.h"
#include "common/service/config.h"
#include "tests/support/echod/agent.h"
#include "tests/support/echod/requests.h"

namespace posada::echod {

Result<NetSettings> NetSettings::read(const service::NetStart& start) {
    NetSettings out;
    const auto common = service::decode_net_options(start.options, *EchoOptions::section().schema, &out.options);
    if (!common) return common.error();
    out.policy = {out.options.greeting, common->service.transcript};
    return out;
}

Conn::Conn(service::NetContext& context, const NetSettings& settings, service::Accepted accepted,
           std::function<void()> finished)
    : SessionDriver(context, settings.policy, std::move(accepted), 1, std::move(finished)), settings_(settings) {}

void Conn::on_peer() {
    session().set_peer({tls_available(), private_enough()});
    set_deadline(settings_.options.idle_timeout);
}

void Conn::greet() {
    if (stream().tls_active()) session().tls_started();
    session().greet();
    run();
}

void Conn::on_tls() {
    session().tls_started();
    run();
}

void Conn::perform(const Effect& effect) {
    std::visit([this](const auto& e) { act(e); }, effect);
}

void Conn::act(const AskMonitor& ask) {
    const bool name = ask.question == Question::name_client;
    const std::uint16_t own[] = {upper_request, open_request, where_request, service::client_address_request};
    const std::string payload = name ? service::encode_client_address(*io::Address::parse(ask.text, 1)) : ask.text;
    monitor().request(own[static_cast<std::size_t>(ask.question)], accepted().id, payload,
                      [this](const Result<service::Reply>& reply) {
                          reply ? session().answered(reply->body) : session().refused("no monitor");
                          run();
                      });
}

void Conn::take_agent(UniqueFd channel) {
    agent_ = std::make_unique<service::MonitorClient>(context().loop, std::move(channel), 1,
                                                      [this] { close("agent lost"); });
}

void Conn::act(const OpenFile& open) {
    agent_->request(read_request, accepted().id, open.name, [this](Result<service::Reply> reply) {
        const auto size = reply && reply->fds.size() == 1 ? parse_uint(reply->body) : std::nullopt;
        if (size) {
            opened_ = std::move(reply->fds.front());
            opened_size_ = *size;
            session().file_opened(*size);
        } else {
            session().refused("no file");
        }
        run();
    });
}

void Conn::act(const SendFile&) { stream().write_file(std::move(opened_), 0, opened_size_); }

void Conn::act(const Crash&) { std::abort(); }

} // namespace posada::echod
