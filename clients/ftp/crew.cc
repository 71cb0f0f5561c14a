// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/crew.h"

namespace posada::ftp {

constexpr std::size_t max_waiting = 64; // jobs; each may hold a directory open

// Never asks, and says only what goes wrong.
static Settings quiet(Settings settings) {
    settings.verbose = settings.progress = settings.hash = settings.prompt = settings.bell = false;
    settings.auto_login = true;
    settings.anonymous = false; // the login says it
    return settings;
}

Crew::Crew(Client& client, unsigned helpers)
    : client_(client), settings_(quiet(client.settings)), host_(client.server->host), peer_(client.server->peer),
      login_(client.server->login), helpers_(helpers) {
    for (unsigned i = 0; i < helpers; ++i) threads_.emplace_back([this] { work(); });
}

Crew::~Crew() {
    stop();
    (void)finish();
}

void Crew::note(Exit exit) {
    const std::lock_guard lock(mutex_);
    if (first_ == Exit::ok) first_ = exit;
}

void Crew::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    jobs_.clear();
    changed_.notify_all();
}

bool Crew::stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
}

void Crew::give(Job job) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        if (helpers_ != 0 && jobs_.size() < max_waiting) {
            jobs_.push_back(std::move(job));
            changed_.notify_one();
            return;
        }
    }
    note(job(client_));
}

std::optional<Crew::Job> Crew::next(bool wait) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !wait || !jobs_.empty() || closing_ || stopped_; });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
}

// The others go on with it.
void Crew::give_up(Job job) {
    const std::lock_guard lock(mutex_);
    if (!stopped_) jobs_.push_front(std::move(job));
    --helpers_;
    changed_.notify_one();
}

bool Crew::connect(Client& helper) const {
    if (helper.server || connect_as(helper, host_, login_, peer_) == Exit::ok) return true;
    helper.screen.trouble("ftp: no further connection; going on with fewer");
    return false;
}

void Crew::work() {
    forget_interrupt();
    Client helper;
    helper.settings = settings_;
    while (auto job = next(true)) {
        if (!connect(helper)) return give_up(std::move(*job));
        note((*job)(helper));
    }
    disconnect(helper);
}

void Crew::help() {
    while (client_.server) {
        const auto job = next(false);
        if (!job) return;
        note((*job)(client_));
    }
}

Exit Crew::finish() {
    help();
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    help(); // with what the last of them has given up
    const std::lock_guard lock(mutex_);
    if (!jobs_.empty() && first_ == Exit::ok) first_ = Exit::connect;
    return first_;
}

} // namespace posada::ftp
