// SPDX-License-Identifier: BSD-2-Clause
// sbin/echod: the launcher, and the monitor with its two requests.
#include <fcntl.h>

#include "common/base/text.h"
#include "common/service/launcher.h"
#include "tests/support/echod/echo.h"

namespace posada::echod {

struct Options {
    static const service::SectionInfo& section();
};

static std::vector<service::Listener> builtin_listeners() {
    service::Listener echo;
    echo.name = echo.fd_name = "echo";
    echo.addresses = {"127.0.0.1"};
    echo.port = 10007;
    return {echo};
}

const service::SectionInfo& Options::section() {
    static const service::Schema schema{};
    static const service::SectionInfo info{
        "echod", "Echo.", &schema, &service::make_options<Options>, &builtin_listeners, nullptr};
    return info;
}

class Monitor final : public service::MonitorSession {
  public:
    Monitor(service::MonitorLink& link, const service::SessionInfo& info) : link_(link), info_(info) {}
    void handle(std::size_t, priv::Message m) override {
        if (m.type == requests[0].type) return link_.answer(m.type, priv::encode_ok(ascii_upper(m.payload)));
        if (m.type == requests[2].type)
            return link_.answer(m.type, priv::encode_ok(info_.peer.ip() + " " + info_.socket_peer.ip() + " " +
                                                        info_.local.ip() + " " + std::to_string(info_.local.port())));
        const UniqueFd opened(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const int fd = opened.get();
        link_.answer(m.type, priv::encode_ok(""), {&fd, 1});
    }

  private:
    service::MonitorLink& link_;
    const service::SessionInfo& info_;
};

class Service final : public service::MonitorService {
  public:
    std::unique_ptr<service::MonitorSession> make_session(service::MonitorLink& link,
                                                          const service::SessionInfo& info) override {
        return std::make_unique<Monitor>(link, info);
    }
};

} // namespace posada::echod

int main(int argc, char** argv) {
    using namespace posada;
    service::LauncherDaemon daemon{};
    daemon.model = echod::model_of(argv[0]);
    daemon.name = "echod";
    daemon.net_program = daemon.model == service::NetModel::shared ? "echod-shared-net" : "echod-net";
    daemon.role = "pop3d";
    daemon.requests = echod::requests;
    daemon.logins = false;
    daemon.section = &echod::Options::section;
    daemon.refusal = "-busy, try again later\r\n";
    daemon.make_monitor = [](const service::MonitorContext&) -> Result<std::unique_ptr<service::MonitorService>> {
        return std::unique_ptr<service::MonitorService>(std::make_unique<echod::Service>());
    };
    return service::launcher_main(daemon, argc, argv);
}
