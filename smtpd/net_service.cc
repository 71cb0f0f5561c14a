// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/net_service.h"

#include "common/base/log.h"
#include "common/service/connections.h"
#include "smtpd/conn.h"

namespace posada::smtpd {

namespace {

class NetService final : public service::Connections<Conn, std::unique_ptr<Mailroom>> {
  public:
    using Connections::Connections;
    void adopt(std::string_view name, UniqueFd channel) override { shared()->adopt(name, std::move(channel)); }
};

std::unique_ptr<service::NetService> make(service::NetContext& context) {
    auto room = Mailroom::open(context);
    if (!room) {
        log(event::start_failed, {{"service", "smtpd"}, {"error", room.error().describe()}});
        return nullptr;
    }
    return std::make_unique<NetService>(context, std::move(*room));
}

} // namespace

int smtp_net_main(std::span<const priv::RequestInfo> requests, int argc, char** argv) {
    return service::net_main({"smtpd", service::NetModel::shared, requests, "", &make}, argc, argv);
}

} // namespace posada::smtpd
