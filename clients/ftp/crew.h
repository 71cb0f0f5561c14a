// SPDX-License-Identifier: BSD-2-Clause
// Crew: further connections to the server that a client has, each in a thread of its own, for jobs that need no order.
// A connection that the server does not allow is done without; with none of them the client does all jobs itself.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "clients/ftp/client.h"

namespace posada::ftp {

class Crew {
  public:
    using Job = std::function<Exit(Client&)>; // shows its own trouble

    Crew(Client& client, unsigned helpers); // they connect when there is something to do
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew();

    // Done by a helper some time, or here and now.
    void give(Job job);
    // What has not been begun is dropped.
    void stop();
    [[nodiscard]] bool stopped();
    // Waits for all jobs, and helps with them; the first failure of them all.
    Exit finish();
    void note(Exit exit);

  private:
    void work();
    std::optional<Job> next(bool wait);
    void give_up(Job job);
    bool connect(Client& helper) const;
    void help();
    Client& client_;
    const Settings settings_; // as the helpers have them
    const std::string host_;
    const io::Address peer_;
    const Login login_;
    std::mutex mutex_; // of what follows
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    unsigned helpers_; // that can still work
    bool closing_ = false;
    bool stopped_ = false;
    Exit first_ = Exit::ok;
    std::vector<std::thread> threads_;
};

} // namespace posada::ftp
