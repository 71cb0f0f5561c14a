// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/data_transfer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace posada::ftpd {

namespace {

constexpr std::size_t most_queued = 256 * 1024;   // of output that is converted or comes from a pipe
constexpr std::size_t most_received = 256 * 1024; // in memory, before it is in the file
constexpr Millis linger{2'000};

} // namespace

DataTransfer::DataTransfer(io::Loop& loop, UniqueFd socket, TransferPlan plan, Handler handler)
    : loop_(loop), plan_(std::move(plan)), handler_(std::move(handler)), more_(loop, [this] { send_more(); }),
      timer_(loop, [this] { over_ ? handler_.on_closed() : check_progress(); }), pace_(plan_.rate),
      paced_(loop, [this] { go_on(); }) {
    timer_.start(plan_.patience);
    const bool converts = plan_.ascii || plan_.what == TransferPlan::What::send_pipe;
    const bool limited = pace_.on() || (!sends() && plan_.room != no_quota);
    plan_.start_tls || converts || limited ? open_stream(std::move(socket)) : move_directly(std::move(socket));
}

void DataTransfer::move_directly(UniqueFd socket) {
    began_ = true;
    const auto way = sends() ? DirectMover::Way::send : DirectMover::Way::receive;
    direct_ = std::make_unique<DirectMover>(loop_, std::move(socket), plan_.file.get(), way, plan_.offset, plan_.size,
                                            [this](TransferEnd how) { end(how); });
}

void DataTransfer::open_stream(UniqueFd socket) {
    io::StreamHandler events{[this] { receive(); }, [this](const Status& status) { on_tls(status); },
                             [this] { send_more(); }, [this](io::StreamEnd how, const Error&) { on_stream_end(how); }};
    owned_ = std::make_unique<io::Stream>(loop_, std::move(socket), std::move(events));
    stream().set_max_input(most_received);
    stream().set_low_water(0);
    if (!plan_.start_tls) return begin();
    plan_.start_tls(stream(), [this] { not_resumed_ = true; });
    stream().start_reading();
}

void DataTransfer::on_tls(const Status& status) {
    not_resumed_ = not_resumed_ || (status && plan_.must_resume && !stream().tls_info().resumed); // keys may be here
    if (not_resumed_) return end(TransferEnd::tls_not_reused);
    if (!status) return end(TransferEnd::tls_failed);
    begin();
}

void DataTransfer::begin() {
    began_ = true;
    stream().start_reading();
    if (plan_.what == TransferPlan::What::send_pipe)
        pipe_watch_ = std::make_unique<io::Watch>(loop_, plan_.file.get(), io::Interest::read,
                                                  [this](io::Interest) { read_pipe(); });
    if (plan_.what == TransferPlan::What::send_file) more_.schedule();
}

// Called when everything queued has left.
void DataTransfer::send_more() {
    if (!began_ || over_ || !sends() || stream().pending_output() != 0) return;
    if (all_queued_) return end(TransferEnd::complete);
    if (plan_.what == TransferPlan::What::send_pipe) return pipe_watch_->set(io::Interest::read);
    if (const Millis wait = pace_.wait(loop_.clock().now()); wait > Millis(0)) return paced_.start(wait);
    plan_.ascii ? send_converted() : send_range();
}

// All of it at once where no rate is set.
void DataTransfer::send_range() {
    if (plan_.size <= plan_.offset) return end(TransferEnd::complete);
    const std::uint64_t left = plan_.size - plan_.offset;
    const std::uint64_t octets = std::min(left, pace_.bundle());
    all_queued_ = octets == left;
    auto file = all_queued_ ? Result<UniqueFd>(std::move(plan_.file)) : duplicate_fd(plan_.file.get());
    if (!file) return end(TransferEnd::unreadable);
    stream().write_file(std::move(*file), plan_.offset, octets);
    plan_.offset += octets;
    pace_.spent(octets, loop_.clock().now());
}

void DataTransfer::send_converted() {
    const auto scratch = loop_.scratch();
    const std::uint64_t from = plan_.offset;
    const std::uint64_t to = plan_.size - from < pace_.bundle() ? plan_.size : from + pace_.bundle();
    while (stream().pending_output() < most_queued && plan_.offset < to) {
        const auto wanted = std::min<std::uint64_t>(scratch.size(), to - plan_.offset);
        const ssize_t n = ::pread(plan_.file.get(), scratch.data(), wanted, static_cast<off_t>(plan_.offset));
        if (n <= 0) return end(TransferEnd::unreadable); // it has become shorter
        converted_.clear();
        to_network_.convert({scratch.data(), static_cast<std::size_t>(n)}, converted_);
        stream().write(converted_);
        plan_.offset += static_cast<std::uint64_t>(n);
    }
    all_queued_ = plan_.offset >= plan_.size;
    pace_.spent(plan_.offset - from, loop_.clock().now());
    if (stream().pending_output() == 0) more_.schedule();
}

void DataTransfer::read_pipe() {
    const auto scratch = loop_.scratch();
    const ssize_t n = ::read(plan_.file.get(), scratch.data(), scratch.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return end(TransferEnd::unreadable);
    if (n == 0) {
        all_queued_ = true;
        pipe_watch_->set(io::Interest::none);
        return more_.schedule();
    }
    stream().write({scratch.data(), static_cast<std::size_t>(n)});
    if (stream().pending_output() >= most_queued) pipe_watch_->set(io::Interest::none);
}

void DataTransfer::receive() {
    if (over_) return;
    if (sends()) return stream().discard_input(); // whatever a client may say there
    const std::string_view input = stream().input();
    if (plan_.ascii) {
        converted_.clear();
        from_network_.convert(input, converted_);
    }
    const std::size_t octets = input.size();
    if (!store(plan_.ascii ? std::string_view(converted_) : input)) return;
    stream().consume(octets);
    pace_.spent(octets, loop_.clock().now());
    if (const Millis wait = pace_.wait(loop_.clock().now()); wait > Millis(0)) {
        stream().stop_reading();
        paced_.start(wait);
    }
}

// The rate permits more.
void DataTransfer::go_on() {
    if (over_) return;
    sends() ? send_more() : stream().start_reading();
}

bool DataTransfer::store(std::string_view bytes) {
    if (bytes.size() > plan_.room) {
        end(TransferEnd::over_quota);
        return false;
    }
    plan_.room -= bytes.size();
    const Status stored = write_all(plan_.file.get(), bytes);
    if (!stored) end(end_of_error(stored.error()));
    return stored.ok();
}

void DataTransfer::received_all() {
    converted_.clear();
    from_network_.finish(converted_);
    if (store(converted_)) end(TransferEnd::complete);
}

// A client that closes while it is sent to has what it wanted, or nothing can be done for it: the next write will tell.
void DataTransfer::on_stream_end(io::StreamEnd how) {
    if (over_) {
        if (handler_.on_closed) handler_.on_closed();
        return;
    }
    if (!began_) return end(plan_.start_tls ? TransferEnd::tls_failed : TransferEnd::no_connection);
    if (how == io::StreamEnd::peer_closed && sends()) return;
    if (how == io::StreamEnd::peer_closed) return received_all();
    end(TransferEnd::broken);
}

void DataTransfer::check_progress() {
    if (octets() == octets_then_) return end(began_ ? TransferEnd::stalled : TransferEnd::tls_failed);
    octets_then_ = octets();
    timer_.start(plan_.patience);
}

// The file is closed first: whoever finishes an upload may be the last to hold it. A socket on which all was sent stays
// open for a while: closed with something unread, it would take back what is still on its way.
void DataTransfer::end(TransferEnd how) {
    if (std::exchange(over_, true)) return;
    timer_.cancel();
    paced_.cancel();
    pipe_watch_.reset();
    plan_.file.reset();
    if (how == TransferEnd::complete && direct_) timer_.start(linger);
    if (how == TransferEnd::complete && owned_) stream().close_after_flush(linger); // with a close_notify, either way
    handler_.on_end(how);
}

std::uint64_t DataTransfer::octets() const {
    if (direct_) return direct_->octets();
    return sends() ? stream().bytes_out() : stream().bytes_in();
}

} // namespace posada::ftpd
