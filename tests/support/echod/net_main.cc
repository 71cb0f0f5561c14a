// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/echod-net: Conn is the only driver of Session.
#include <cstdlib>

#include "common/service/connection.h"
#include "common/service/connections.h"
#include "tests/support/echod/echo.h"

namespace posada::echod {

struct Settings {
    static Result<Settings> read(const service::NetStart&) { return Settings{}; }
};

class Conn final : public service::Connection {
  public:
    Conn(service::NetContext& context, const Settings&, service::Accepted accepted, std::function<void()> finished)
        : Connection(context, std::move(accepted), 1, std::move(finished)) {}

  private:
    void greet() override {
        stream().set_deadline(Seconds(60));
        stream().write("+hello\r\n");
    }
    void on_input() override {
        for (std::size_t end;
             !waiting_ && !closing() && (end = stream().input().find('\n')) != std::string_view::npos;) {
            const std::string line(trim(stream().input().substr(0, stream().input().find_first_of("\r\n"))));
            stream().consume(end + 1);
            act(session_.line(line, stream().tls_active(), tls_available()));
        }
    }
    void act(const Effect& effect) {
        if (effect.action == Action::crash) std::abort();
        if (effect.action == Action::ask_upper) return ask(requests[0].type, effect.text);
        if (effect.action == Action::ask_open) return ask(requests[1].type, "");
        if (effect.action == Action::ask_where) return ask(requests[2].type, "");
        if (effect.action == Action::name_client)
            return ask(service::client_address_request,
                       service::encode_client_address(*io::Address::parse(effect.text, 1)));
        stream().write(effect.text + "\r\n");
        if (effect.action == Action::start_tls) start_tls();
        if (effect.action == Action::close) close("quit");
    }
    void ask(std::uint16_t type, const std::string& text) {
        waiting_ = true;
        monitor().request(type, accepted().id, text, [this](const Result<service::Reply>& reply) {
            waiting_ = false;
            act({Action::reply, reply ? "+" + reply->body : "-no monitor"});
            on_input();
        });
    }

    Session session_;
    bool waiting_ = false;
};

} // namespace posada::echod

int main(int argc, char** argv) {
    using namespace posada;
    return service::net_main({"echod", echod::model_of(argv[0]), echod::requests, "",
                              &service::prepare_connections<echod::Conn, echod::Settings>},
                             argc, argv);
}
