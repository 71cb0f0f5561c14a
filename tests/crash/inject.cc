// SPDX-License-Identifier: BSD-2-Clause
// Hands numbered messages straight to the queue, over queue.sock, and writes down which were acknowledged: what the
// kill tests count against. When the queue dies it connects again and repeats what was not acknowledged, as any SMTP
// client would; a repeated token may therefore arrive twice, an acknowledged one must arrive at least once.
// "route:" in front of an address: it is for another server.
//   inject --run-dir DIR --to ADDRESS[,ADDRESS...] --count N [--window W] [--size OCTETS] [--acks FILE] [--first N]
// FILE gets a line "ack N" or "repeat N" for each. Prints "accepted=N repeated=N seconds=S rate=R".
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <thread>

#include "common/base/text.h"
#include "common/priv/channel.h"
#include "smtpd/queue_client.h"
#include "smtpd/queue_open.h"

using namespace posada;
using namespace posada::smtpd;

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
    std::string run_dir;
    std::vector<std::string> to;
    std::string sender = "load@example.org";
    std::uint64_t first = 1;
    std::uint64_t count = 100;
    std::size_t window = 20;
    std::size_t size = 4096;
    std::string acks;
    int give_up_seconds = 120;
};

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

bool parse(int argc, char** argv, Options& o) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const char* value = argv[i + 1];
        if (name == "--run-dir") o.run_dir = value;
        if (name == "--to")
            for (const std::string_view address : split(value, ',')) o.to.emplace_back(address);
        if (name == "--from") o.sender = value;
        if (name == "--first") o.first = number(value);
        if (name == "--count") o.count = number(value);
        if (name == "--window") o.window = number(value);
        if (name == "--size") o.size = number(value);
        if (name == "--acks") o.acks = value;
        if (name == "--give-up") o.give_up_seconds = static_cast<int>(number(value));
    }
    return argc > 1 && argc % 2 == 1 && !o.run_dir.empty() && !o.to.empty();
}

std::string message_of(std::uint64_t token, std::size_t size) {
    std::string text = "From: <load@example.org>\r\nSubject: load\r\nX-Token: " + std::to_string(token) + "\r\n\r\n";
    while (text.size() + 66 < size) text.append(64, 'x').append("\r\n");
    text += "end of " + std::to_string(token) + "\r\n";
    return text;
}

std::vector<UniqueFd> memfds_of(std::string_view text) {
    std::vector<UniqueFd> parts;
    do {
        const std::string_view part = text.substr(0, max_memfd);
        UniqueFd fd(::memfd_create("inject", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (!fd.valid() || !write_all(fd.get(), part)) std::abort();
        parts.push_back(std::move(fd));
        text.remove_prefix(part.size());
    } while (!text.empty());
    return parts;
}

class Injector {
  public:
    explicit Injector(Options options) : options_(std::move(options)) {
        for (std::uint64_t n = 0; n < options_.count; ++n) todo_.push_back(options_.first + n);
        if (!options_.acks.empty()) acks_ = std::fopen(options_.acks.c_str(), "ae");
    }
    int run();

  private:
    bool connect();
    void lost();
    bool send(std::uint64_t token);
    bool receive();
    void note(const char* what, std::uint64_t token);

    Options options_;
    priv::Channel channel_;
    std::deque<std::uint64_t> todo_;
    std::set<std::uint64_t> under_way_;
    std::uint64_t accepted_ = 0;
    std::uint64_t repeated_ = 0;
    std::FILE* acks_ = nullptr;
};

void Injector::note(const char* what, std::uint64_t token) {
    if (acks_ == nullptr) return;
    std::fprintf(acks_, "%s %llu\n", what, static_cast<unsigned long long>(token));
    std::fflush(acks_);
}

bool Injector::connect() {
    const auto until = SteadyClock::now() + std::chrono::seconds(options_.give_up_seconds);
    while (SteadyClock::now() < until) {
        auto fd = open_queue(options_.run_dir, QueueRole::receive);
        if (fd) {
            channel_ = priv::Channel(std::move(*fd));
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

void Injector::lost() {
    channel_.close();
    repeated_ += under_way_.size();
    for (const std::uint64_t token : under_way_) {
        todo_.push_front(token);
        note("repeat", token);
    }
    under_way_.clear();
}

bool Injector::send(std::uint64_t token) {
    const std::string text = message_of(token, options_.size);
    Envelope envelope;
    envelope.sender = options_.sender;
    for (const std::string& address : options_.to) {
        const bool route = istarts_with(address, "route:");
        envelope.recipients.push_back(
            {route ? address.substr(6) : address, route ? RecipientKind::route : RecipientKind::local});
    }
    envelope.size = text.size();
    const std::vector<UniqueFd> parts = memfds_of(text);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const int fd = parts[i].get();
        if (!channel_.send(SubmitPart::row.type, token, {}, {&fd, 1})) return false;
    }
    const int last = parts.back().get();
    return channel_.send(Submit::row.type, token, to_bytes(Submit{envelope}), {&last, 1}).ok();
}

bool Injector::receive() {
    auto received = channel_.receive(0);
    if (!received || !received->has_value()) return false;
    const priv::Message& message = **received;
    if (message.type != Submit::row.type + 1) return true;
    under_way_.erase(message.session);
    if (!priv::decode_answer(message.payload)) { // refused: try again, as after 451
        todo_.push_back(message.session);
        return true;
    }
    ++accepted_;
    note("ack", message.session);
    return true;
}

int Injector::run() {
    const auto began = SteadyClock::now();
    while (!todo_.empty() || !under_way_.empty()) {
        if (!channel_.valid() && !connect()) return 1;
        bool alive = true;
        while (alive && !todo_.empty() && under_way_.size() < options_.window) {
            const std::uint64_t token = todo_.front();
            todo_.pop_front();
            under_way_.insert(token);
            alive = send(token);
            if (!alive) lost();
        }
        if (alive && !receive()) lost();
    }
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
    std::printf("accepted=%llu repeated=%llu seconds=%.3f rate=%.0f\n", static_cast<unsigned long long>(accepted_),
                static_cast<unsigned long long>(repeated_), seconds, static_cast<double>(accepted_) / seconds);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::fprintf(stderr, "usage: inject --run-dir DIR --to ADDRESS,... --count N [--window W] [--size OCTETS]\n");
        return 64;
    }
    return Injector(std::move(options)).run();
}
