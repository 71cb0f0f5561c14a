// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/net_service.h"

#include "common/service/net/connections.h"
#include "smtpd/conn.h"

namespace posada::smtpd {

namespace {

class NetService final : public service::Connections<Conn, std::unique_ptr<Mailroom>> {
  public:
    using Connections::Connections;
    void adopt(std::string_view name, UniqueFd channel) override { shared()->adopt(name, std::move(channel)); }
};

Result<service::MakeService> prepare(const service::NetStart& start) {
    auto settings = NetSettings::read(start);
    if (!settings) return settings.error();
    return service::MakeService(
        [kept = std::make_shared<const NetSettings>(std::move(*settings))](service::NetContext& context) {
            return std::make_unique<NetService>(context, std::make_unique<Mailroom>(context, *kept));
        });
}

} // namespace

int smtp_net_main(std::span<const priv::RequestInfo> requests, int argc, char** argv) {
    return service::net_main({"smtpd", service::NetModel::shared, requests, "", &prepare}, argc, argv);
}

} // namespace posada::smtpd
