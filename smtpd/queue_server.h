// SPDX-License-Identifier: BSD-2-Clause
// QueueServer: the queue's socket. Accepts channels, learns their role, checks every message against that role's
// table, and turns each turn of the loop into at most one transaction.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/io/loop.h"
#include "common/priv/channel.h"
#include "common/priv/request.h"
#include "smtpd/queue.h"

namespace posada::smtpd {

class QueueServer {
  public:
    // owner: the uid besides root that may connect. on_fatal: the spool has failed and everybody has been told; exit.
    QueueServer(io::Loop& loop, Queue& queue, UniqueFd listener, uid_t owner, std::size_t batch,
                std::function<void(const Error&)> on_fatal);
    ~QueueServer();
    // No new channels; what was handed in is committed. Nothing else needs an end: leases die with us.
    void stop();

  private:
    struct Peer;
    struct Handlers;

    void accept_peers();
    void make_room(pid_t pid);
    void on_ready(std::uint64_t id, io::Interest ready);
    bool receive_one(Peer& peer);
    void close_peer(std::uint64_t id, std::string_view why);
    Status handle(Peer& peer, priv::Message message);
    Status hello(Peer& peer, const priv::Message& message);
    template <class List>
    Status handle_as(Peer& peer, priv::Message& message);
    void answer_spaces(Peer& peer);

    void answer(std::uint64_t peer, std::uint16_t request, std::uint64_t session, std::string payload,
                std::optional<UniqueFd> fd = {});
    void flush_unsent(Peer& peer);
    void schedule_turn();
    void turn();
    void arm_timers();
    void upkeep();
    void check(const Status& status);

    io::Loop& loop_;
    Queue& queue_;
    UniqueFd listener_;
    uid_t owner_;
    std::size_t batch_;
    std::function<void(const Error&)> on_fatal_;
    std::map<std::uint64_t, std::unique_ptr<Peer>> peers_;
    std::uint64_t last_peer_ = 0;
    std::unique_ptr<io::Watch> accept_watch_;
    io::Timer lazy_timer_;
    io::Timer due_timer_;
    io::Timer upkeep_timer_;
    bool turn_scheduled_ = false;
    bool urgent_ = false;
    bool failed_ = false;
};

} // namespace posada::smtpd
