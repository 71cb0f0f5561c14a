// SPDX-License-Identifier: BSD-2-Clause
// "Does this recipient exist?", asked by a net process of a lookup worker, many names in one message. A worker that
// hangs in a name service costs its questions a temporary failure, and is replaced.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/service/request_client.h"

namespace posada::smtpd {

enum class HasMail : std::uint8_t { no, yes, cannot_say };
constexpr HasMail last_value(HasMail) { return HasMail::cannot_say; }

struct Verdicts {
    std::vector<HasMail> verdicts; // in the order of the names
    FIELDS(verdicts)
};
// Of the lookup worker.
struct Lookup {
    std::vector<std::string> names; // local parts
    FIELDS(names)
    using Answer = Verdicts;
    static constexpr priv::RequestInfo row{.type = 2,
                                           .name = "lookup",
                                           .max_bytes = priv::max_payload,
                                           .meaning = "Says which of these names have mail here."};
};
using LookupRequests = priv::Requests<Lookup>;

constexpr std::size_t max_lookup_batch = 200;

class LookupClient {
  public:
    using OnAnswer = std::function<void(Result<bool>)>;
    // want: asks the launcher for a (new) worker; its channel comes through adopt().
    LookupClient(io::Loop& loop, std::function<void()> want, Millis answer_within = Millis(5'000));

    void adopt(UniqueFd channel);
    // Answered from the loop: yes or no; Errc::unavailable or timeout = try again later.
    void ask(std::uint64_t session, std::string_view local_part, OnAnswer on_answer);
    // The session is gone: its answers are not wanted any more.
    void forget(std::uint64_t session);

  private:
    struct Question {
        std::uint64_t session = 0;
        std::string name;
        OnAnswer on_answer;
        Instant deadline;
        bool tried = false; // a worker died with it once
    };
    using Ids = std::vector<std::uint64_t>;
    void flush();
    void answered(const Ids& ids, const Result<priv::Answered<Verdicts>>& answer);
    void retry(const Ids& ids);
    void finish(std::uint64_t id, Result<bool> answer);
    void watch_deadlines();

    io::Loop& loop_;
    std::function<void()> want_;
    std::unique_ptr<service::RequestClient> client_;
    std::map<std::uint64_t, Question> questions_;
    std::deque<std::uint64_t> unsent_;
    std::uint64_t next_id_ = 1;
    bool flush_due_ = false;
    Millis answer_within_;
    io::Timer timer_;
};

} // namespace posada::smtpd
