// SPDX-License-Identifier: BSD-2-Clause
// The caller's side of a request table (common/priv/request_list.h): sends a request over a channel, delivers the
// answer from the loop. Used for the monitor, an agent, the queue and the lookup worker alike. Answers come in the
// order of requests with the same session; several sessions may share one channel.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/io/loop.h"
#include "common/priv/request_list.h"

namespace posada::service {

// An answer as it came, not yet typed.
struct Reply {
    std::string body; // after the verdict
    std::vector<UniqueFd> fds;
};

class RequestClient {
  public:
    // max_fds: the most descriptors an answer may carry. on_closed: the other side is gone; every outstanding request
    // is answered with Errc::closed first. The client may be destroyed inside a callback.
    // answer_within: a side that takes longer for an answer is as good as gone (Errc::timeout); 0 = no matter how long.
    RequestClient(io::Loop& loop, UniqueFd channel, unsigned max_fds, std::function<void()> on_closed,
                  Millis answer_within = Millis(0));
    ~RequestClient();
    RequestClient(const RequestClient&) = delete;
    RequestClient& operator=(const RequestClient&) = delete;

    // on_answer(Result<Answered<R::Answer>>). What was sent is wiped, for it may be a password. An answer that is none,
    // or has more descriptors than the row says, is logged (answer-breach), and the other side is as good as gone.
    // fds are borrowed. A full socket queues the message (its descriptors are duplicated), it is never lost.
    template <class R, class OnTyped>
    void ask(std::uint64_t session, const R& asked, OnTyped on_answer, std::span<const int> fds = {}) {
        using Typed = Result<priv::Answered<typename R::Answer>>;
        auto payload = priv::encode_request(asked);
        if (!payload) return on_answer(Typed(payload.error()));
        send(
            {R::row.type, R::row.name, R::row.fds_out}, session, *payload,
            [on_answer = std::move(on_answer)](Result<Reply> reply) {
                Typed answer = typed<typename R::Answer>(reply);
                const Status well = reply && !answer ? Status(answer.error()) : Status();
                on_answer(std::move(answer));
                return well;
            },
            fds);
        wipe(*payload);
    }

    // A request that is answered by other ways than this channel: sent now or not at all (Errc::busy).
    Status post(std::uint16_t type, std::uint64_t session, std::string_view payload, std::span<const int> fds);
    // Forgets the outstanding requests of a session: their answers are dropped when they come.
    void forget(std::uint64_t session);
    [[nodiscard]] bool closed() const;

  private:
    struct Asked {
        std::uint16_t type;
        std::string_view name;
        unsigned fds_out;
    };
    using Take = std::function<Status(Result<Reply>)>; // an error: it is not what was asked for
    void send(const Asked& asked, std::uint64_t session, std::string_view payload, Take take, std::span<const int> fds);
    template <class T>
    static Result<priv::Answered<T>> typed(Result<Reply>& reply) {
        if (!reply) return reply.error();
        auto body = from_bytes<T>(reply->body);
        if (!body) return body.error();
        return priv::Answered<T>{std::move(*body), std::move(reply->fds)};
    }

    struct Impl;
    std::shared_ptr<Impl> impl_; // shared with running callbacks only, so that they may destroy the client
};

} // namespace posada::service
