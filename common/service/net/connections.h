// SPDX-License-Identifier: BSD-2-Clause
// Connections<Conn>: the NetService of a daemon whose connections do not know each other. Conn is constructed with
// (NetContext&, shared state, Accepted, on_finished) and has start(). It owns every Conn and deletes it at the end of
// the loop's turn, so a handler never dies under itself. prepare_connections<Conn, Settings> is all that the main() of
// such a daemon's net program needs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "common/service/net/net.h"

namespace posada::service {

template <class Conn, class Shared>
class Connections : public NetService {
  public:
    Connections(NetContext& context, Shared shared) : context_(context), shared_(std::forward<Shared>(shared)) {}

    void accept(Accepted connection) override {
        const std::uint64_t id = connection.id;
        auto& place = connections_[id];
        place = std::make_unique<Conn>(context_, shared_, std::move(connection), [this, id] { finished(id); });
        place->start();
    }
    // A reload lets everybody finish; when the daemon stops, each connection hears so from its monitor.
    void stop() override {
        if (connections_.empty()) context_.idle();
    }
    Shared& shared() { return shared_; }

  private:
    void finished(std::uint64_t id) {
        context_.loop.defer([this, id] {
            connections_.erase(id);
            if (connections_.empty()) context_.idle();
        });
    }

    NetContext& context_;
    Shared shared_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Conn>> connections_;
};

// NetDaemon::prepare for a Conn whose shared state is its daemon's settings, as Settings::read(NetStart) makes them.
template <class Conn, class Settings>
Result<MakeService> prepare_connections(const NetStart& start) {
    auto settings = Settings::read(start);
    if (!settings) return settings.error();
    return MakeService([kept = std::make_shared<const Settings>(std::move(*settings))](NetContext& context) {
        return std::make_unique<Connections<Conn, const Settings&>>(context, *kept);
    });
}

} // namespace posada::service
