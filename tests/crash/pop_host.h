// SPDX-License-Identifier: BSD-2-Clause
// One mailbox as pop3d and delivery use it, in one process and one thread: real delivery, and the real agent asked over
// its channel, one request at a time. What a client or the queue was told goes into a History, which can then judge
// what is left after a crash.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pop3d/agent.h"

namespace posada::crash {

// The mailbox file of a token; its size tells nothing about others.
std::string pop_mail(unsigned token);
// 0: not a whole message of ours.
unsigned token_of(std::string_view text);

using Tell = std::function<void(const std::string& mark)>; // somebody outside has heard it

struct Seen {
    unsigned token = 0;
    std::string uidl;
};

// One client's session with an agent of its own.
class PopSession {
  public:
    explicit PopSession(const std::string& maildir);
    // Opens the mailbox and lists it: the client has seen these ids.
    Result<std::vector<Seen>> open();
    Status retrieve(std::size_t index);
    // QUIT, with these deleted and those read. Good: the deleted are gone, durably.
    Status quit(const std::vector<std::size_t>& deleted, const std::vector<std::size_t>& seen = {});

  private:
    template <class R>
    Result<priv::Answered<typename R::Answer>> ask(const R& request);
    Result<std::string> fetch(std::size_t index);
    template <class Change>
    Status change(const std::vector<std::size_t>& indexes);
    pop3d::MailAgent agent_;
    priv::RequestGate gate_{pop3d::AgentRequests::rows};
};

class PopHost {
  public:
    PopHost(std::string root, Tell tell) : root_(std::move(root)), tell_(std::move(tell)) {}
    [[nodiscard]] std::string maildir() const { return root_ + "/Maildir"; }
    Status create();
    // One batch, told as "ack TOKEN" each. More than three: one sync of the file system for all.
    Status deliver(unsigned first, unsigned last);
    // A whole session: lists, retrieves, deletes these tokens, quits. meanwhile: before QUIT.
    Status session(const std::set<unsigned>& retrieve, const std::set<unsigned>& remove,
                   const std::function<Status()>& meanwhile = nullptr, bool quits = true);

  private:
    std::string root_;
    Tell tell_;
};

// Takes the directories' times back a little, as if a moment had passed: who reads them waits for that otherwise.
void let_time_pass(const std::string& maildir);

// Sessions and deliveries that bring the list of ids into every state it has. go_on: what fails does not keep the rest
// from being tried, as in real life; else the first failure ends it.
Status pop_script(PopHost& host, bool go_on = false);
Status short_pop_script(PopHost& host);

class History {
  public:
    void note(const std::string& mark); // "ack T", "uidl T ID", "asked T", "gone T"
    // "" or what is wrong with the mailbox below root. Logs in as a client would, twice, with a delivery in between.
    std::string judge(const std::string& root) const;

  private:
    [[nodiscard]] std::string compare(const std::vector<Seen>& found) const;
    std::set<unsigned> acked_, asked_, gone_;
    std::map<std::string, unsigned> ids_;
    std::map<unsigned, std::string> id_of_;
};

} // namespace posada::crash
