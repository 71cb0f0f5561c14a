// SPDX-License-Identifier: BSD-2-Clause
// Connections<Conn>: the NetService of a daemon whose connections do not know each other. Conn is constructed with
// (NetContext&, shared state, Accepted, on_finished) and has stop(). It owns every Conn and deletes it at the end of
// the loop's turn, so a handler never dies under itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "common/service/net.h"

namespace posada::service {

template <class Conn, class Shared>
class Connections : public NetService {
  public:
    Connections(NetContext& context, Shared shared) : context_(context), shared_(std::move(shared)) {}

    void accept(Accepted connection) override {
        const std::uint64_t id = connection.id;
        auto& place = connections_[id];
        place = std::make_unique<Conn>(context_, shared_, std::move(connection), [this, id] { finished(id); });
        place->start();
    }
    void stop() override {
        for (auto& [id, connection] : connections_) connection->stop();
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

} // namespace posada::service
