// SPDX-License-Identifier: BSD-2-Clause
// QueueClient: for a net process that was given a connected channel to the queue (queue_open.h) and hands messages in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/service/request_client.h"
#include "smtpd/queue_protocol.h"

namespace posada::smtpd {

class QueueClient {
  public:
    // A queue id for "250 2.0.0 Ok: queued as ...". Errors: no_space and limit = 452, invalid = 554, everything else
    // = 451: the mail is not ours, or we cannot say that it is.
    using OnQueued = std::function<void(Result<std::string>)>;

    // on_closed: the queue is gone; every submission under way has been answered with Errc::closed.
    QueueClient(io::Loop& loop, UniqueFd channel, std::function<void()> on_closed);

    // One message of one SMTP connection (session); parts: memfds of at most max_memfd octets each, at least one, with
    // nothing mapped writable; ours from here on. The queue seals them. One at a time per session.
    void submit(std::uint64_t session, Envelope envelope, std::vector<UniqueFd> parts, OnQueued on_queued);
    // Now and after every change.
    using OnSpaces = std::function<void(Spaces)>;
    void watch_spaces(OnSpaces on_spaces);
    // The SMTP connection is gone: its answer is not wanted any more (the message is queued all the same).
    void forget(std::uint64_t session) { client_.forget(session); }
    [[nodiscard]] bool closed() const { return client_.closed(); }

  private:
    void ask_spaces(std::uint64_t known);
    service::RequestClient client_;
    OnSpaces on_spaces_;
};

} // namespace posada::smtpd
