// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/transfer.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "clients/ftp/progress.h"
#include "common/proto/ftp/ascii.h"

namespace posada::ftp {

namespace {

constexpr std::size_t buffer_size = 256 * 1024;
constexpr Millis abort_patience{15'000};
constexpr Millis second_reply_patience{1'000};
constexpr Millis progress_step{500};
constexpr std::uint64_t hash_octets = 1024 * 1024;

class Meter {
  public:
    Meter(const Settings& settings, const Screen& screen, const Request& request)
        : settings_(settings), screen_(screen), bar_(settings.progress && !settings.hash && screen.shows_progress()) {
        progress_.before = request.restart;
        progress_.total = request.expected;
    }
    void add(std::size_t octets) {
        moved_.octets += octets;
        if (octets != 0) last_ = SystemClock().now();
        show();
        for (; settings_.hash && marks_ < moved_.octets / hash_octets; ++marks_) screen_.mark("#");
    }
    [[nodiscard]] Moved done() {
        if (marks_ != 0) screen_.mark("\n");
        if (shown_) screen_.progress("");
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
        moved_.seconds = took.count();
        return moved_;
    }
    [[nodiscard]] std::uint64_t octets() const { return moved_.octets; }

    // Now and then; nothing at all of a transfer that is over before.
    void show() {
        const Instant now = SystemClock().now();
        if (!bar_ || now < next_) return;
        next_ = now + progress_step;
        shown_ = true;
        progress_.moved = moved_.octets;
        progress_.elapsed = now - started_;
        progress_.idle = now - last_;
        screen_.progress(progress_line(progress_, screen_.width()));
    }

  private:
    const Settings& settings_;
    const Screen& screen_;
    bool bar_;
    bool shown_ = false;
    Progress progress_;
    Instant started_ = SystemClock().now();
    Instant last_ = started_;
    Instant next_ = started_ + progress_step;
    Moved moved_;
    std::uint64_t marks_ = 0;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// The server is told to stop and heard out: one reply for the transfer, one for ABOR; some say only one of them.
Status abort_transfer(Server& server, Wire wire) {
    forget_interrupt();
    RETURN_IF_ERROR(server.control.send("ABOR"));
    wire = Wire();
    auto first = server.control.reply(Show::as_set, abort_patience);
    if (!first) return first.error();
    auto second = server.control.reply(Show::as_set, first->ok() ? second_reply_patience : abort_patience);
    if (!second && second.error().code != Errc::unavailable) return second.error();
    return {};
}

// After trouble with data or on our side: error, unless the control connection has ended too.
Error give_up(Server& server, Wire wire, const Error& error, bool ours) {
    if (ours || error.sys == EINTR) {
        const Status aborted = abort_transfer(server, std::move(wire));
        return aborted ? error : aborted.error();
    }
    wire = Wire();
    auto reply = server.control.reply();
    return reply ? error : reply.error();
}

// The 2xx behind the data.
Status conclude(Server& server) {
    auto reply = server.control.reply();
    if (!reply) return reply.error();
    return reply->ok() ? Status{} : Status{refusal(*reply)};
}

Result<Wire> begin(Server& server, const Settings& settings, const Request& request, Reply& opening) {
    RETURN_IF_ERROR(server.set_type(request.type));
    auto wire = open_data(server, settings, request.command, request.restart, opening);
    if (!wire && opening.code != 0) return give_up(server, Wire(), wire.error(), false);
    return wire;
}

// In steps, so that a stall is seen.
Result<std::size_t> patient_read(Wire& wire, std::span<char> buffer, const Settings& settings, Meter& meter) {
    const Instant deadline = SystemClock().now() + settings.patience;
    for (;;) {
        auto got = wire.read(buffer, std::min(settings.patience, progress_step));
        if (got || got.error().code != Errc::timeout || SystemClock().now() >= deadline) return got;
        meter.show();
    }
}

// So much of the buffer as the rate lets move at a time.
std::span<char> piece(Rate& rate, std::string& buffer) {
    rate.step(rate_steps());
    return std::span<char>(buffer).first(std::min<std::uint64_t>(rate.bundle(), buffer.size()));
}

Status keep_pace(Rate& rate, std::size_t octets) { return pause(rate.spend(octets, SystemClock().now())); }

Status pump_in(Wire& wire, const Settings& settings, bool ascii, const Take& take, Meter& meter, bool& ours) {
    std::string buffer(buffer_size, '\0');
    std::string text;
    proto::ftp::FromNetwork decoder;
    for (;;) {
        auto got = patient_read(wire, piece(settings.rates->get, buffer), settings, meter);
        if (!got) return data_error(got.error());
        const std::string_view octets(buffer.data(), *got);
        meter.add(*got);
        text.clear();
        if (ascii) *got == 0 ? decoder.finish(text) : decoder.convert(octets, text);
        const Status taken = take(ascii ? std::string_view(text) : octets);
        if (!taken) ours = true;
        if (!taken || *got == 0) return taken;
        RETURN_IF_ERROR(keep_pace(settings.rates->get, *got));
    }
}

Status pump_out(Wire& wire, const Settings& settings, bool ascii, const Give& give, Meter& meter, bool& ours) {
    std::string buffer(buffer_size, '\0');
    std::string text;
    proto::ftp::ToNetwork encoder;
    for (;;) {
        auto got = give(piece(settings.rates->put, buffer));
        if (!got) ours = true;
        if (!got) return got.error();
        if (*got == 0) break;
        text.clear();
        if (ascii) encoder.convert(std::string_view(buffer.data(), *got), text);
        const std::string_view octets = ascii ? std::string_view(text) : std::string_view(buffer.data(), *got);
        const Status sent = wire.write(octets, settings.patience);
        if (!sent) return data_error(sent.error());
        meter.add(octets.size());
        RETURN_IF_ERROR(keep_pace(settings.rates->put, octets.size()));
    }
    const Status ended = wire.finish(settings.patience);
    return ended ? Status{} : Status{data_error(ended.error())};
}

} // namespace

std::string describe(const Moved& moved, const char* verb) {
    const double seconds = std::max(moved.seconds, 0.0001);
    char text[128];
    std::snprintf(text, sizeof text, "%llu bytes %s in %.4f secs (%.0f bytes/sec)",
                  static_cast<unsigned long long>(moved.octets), verb, seconds,
                  static_cast<double>(moved.octets) / seconds);
    return text;
}

Result<Moved> receive(Server& server, const Settings& settings, const Screen& screen, const Request& request,
                      const Take& take) {
    Reply opening;
    auto wire = begin(server, settings, request, opening);
    if (!wire) return wire.error();
    Meter meter(settings, screen, request);
    bool ours = false;
    const bool ascii = request.type == 'A' && settings.strip_cr;
    const Status pumped = pump_in(*wire, settings, ascii, take, meter, ours);
    if (!pumped) return give_up(server, std::move(*wire), pumped.error(), ours);
    *wire = Wire();
    const Moved moved = meter.done();
    RETURN_IF_ERROR(conclude(server));
    std::uint64_t expected = request.expected;
    if (expected == 0 && request.restart == 0) expected = announced_size(opening.text()).value_or(0);
    if (request.type == 'I' && expected > request.restart && moved.octets < expected - request.restart)
        return Error{Errc::io, 0,
                     "the file is not whole: " + std::to_string(expected - request.restart - moved.octets) +
                         " bytes are missing"};
    return moved;
}

Result<Moved> send(Server& server, const Settings& settings, const Screen& screen, const Request& request,
                   const Give& give) {
    Reply opening;
    auto wire = begin(server, settings, request, opening);
    if (!wire) return wire.error();
    Meter meter(settings, screen, request);
    bool ours = false;
    const Status pumped = pump_out(*wire, settings, request.type == 'A', give, meter, ours);
    if (!pumped) return give_up(server, std::move(*wire), pumped.error(), ours);
    *wire = Wire();
    const Moved moved = meter.done();
    RETURN_IF_ERROR(conclude(server));
    return moved;
}

} // namespace posada::ftp
