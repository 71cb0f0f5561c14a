// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/echod/conn.h"

#include <cstdlib>

#include "common/service/client_address.h"
#include "common/service/config/config.h"
#include "tests/support/echod/agent.h"
#include "tests/support/echod/requests.h"

namespace posada::echod {

static std::string_view text_of(const Text& answer) { return answer.text; }
static std::string_view text_of(const Nothing&) { return {}; }

Result<NetSettings> NetSettings::read(const service::NetStart& start) {
    NetSettings out;
    const auto common = service::decode_net_options(start.options, EchoOptions::section(), &out.options);
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
    const auto told = [this](const auto& answer) {
        answer ? session().answered(text_of(answer->body)) : session().refused("no monitor");
        run();
    };
    switch (ask.question) {
    case Question::upper: return monitor().ask(accepted().id, Upper{ask.text}, told);
    case Question::open: return monitor().ask(accepted().id, Open{}, told);
    case Question::where: return monitor().ask(accepted().id, Where{}, told);
    case Question::name_client: return monitor().ask(accepted().id, service::ClientAddress{ask.text, 1}, told);
    }
}

void Conn::take_agent(UniqueFd channel) {
    agent_ = std::make_unique<service::RequestClient>(
        context().loop, std::move(channel), 1, [this] { close("agent lost"); }, settings_.options.agent_timeout);
}

void Conn::act(const OpenFile& open) {
    agent_->ask(accepted().id, ReadFile{open.name}, [this](Result<priv::Answered<FileSize>> file) {
        if (file && file->fds.size() == 1) {
            opened_ = std::move(file->fds.front());
            opened_size_ = file->body.size;
            session().file_opened(opened_size_);
        } else {
            session().refused("no file");
        }
        run();
    });
}

void Conn::act(const SendFile&) { stream().write_file(std::move(opened_), 0, opened_size_); }

void Conn::act(const Crash&) { std::abort(); }

} // namespace posada::echod
