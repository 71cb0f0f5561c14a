// SPDX-License-Identifier: BSD-2-Clause
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/io/stream_impl.h"

namespace posada::io {

namespace {
constexpr std::size_t turn_budget = 1024 * 1024; // one fast reader does not hold up the others for longer than this
constexpr std::size_t record_batch = 128 * 1024; // encrypted ahead of the socket, at most
constexpr std::size_t file_piece = 64 * 1024;
constexpr std::size_t keep_records = 32 * 1024;
} // namespace

void Stream::Impl::flush() {
    if (broken_output) return fail(StreamEnd::error, *broken_output);
    if (write_blocked) return;
    Sent sent = Sent::all;
    if (mode == Mode::tls_wanted) sent = flush_plain(plain_tail);
    if (gone()) return;
    if (mode == Mode::tls_wanted && plain_tail.empty()) begin_handshake();
    if (gone()) return;
    if (mode == Mode::plain)
        sent = flush_plain(out);
    else if (tls)
        sent = flush_tls();
    if (sent == Sent::blocked) write_blocked = true;
    if (sent == Sent::yielded) schedule();
}

Stream::Impl::Sent Stream::Impl::send_front(OutputQueue& queue, std::size_t* n) {
    OutputQueue::Block& block = queue.front();
    ssize_t rc = 0;
    if (block.is_file()) {
        auto offset = static_cast<off_t>(block.offset);
        rc = sendfile(fd.get(), block.file.get(), &offset,
                      static_cast<std::size_t>(std::min<std::uint64_t>(block.left, turn_budget)));
        if (rc == 0) errno = ENODATA;
    } else {
        const std::string_view rest = block.rest();
        rc = send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL | (queue.more_after_front() ? MSG_MORE : 0));
    }
    if (rc > 0) {
        *n = static_cast<std::size_t>(rc);
        return Sent::all;
    }
    if (errno == EINTR) return Sent::all;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Sent::blocked;
    if (rc == 0)
        fail(StreamEnd::error, Error{Errc::corrupt, 0, "a file to send is shorter than announced"});
    else
        fail(StreamEnd::error, errno_error("write"));
    return Sent::failed;
}

Stream::Impl::Sent Stream::Impl::flush_plain(OutputQueue& queue) {
    std::size_t done = 0;
    while (!queue.empty()) {
        std::size_t n = 0;
        const Sent sent = send_front(queue, &n);
        if (sent != Sent::all) return sent;
        queue.sent(n);
        total_out += n;
        wire_out += n;
        done += n;
        if (done >= turn_budget && !queue.empty()) return Sent::yielded;
    }
    return Sent::all;
}

Stream::Impl::Sent Stream::Impl::flush_tls() {
    for (std::size_t done = 0; done < turn_budget; done += record_batch) {
        if (auto encrypted = encrypt_some(); !encrypted) {
            fail(StreamEnd::error, encrypted.error());
            return Sent::failed;
        }
        const Sent sent = send_records();
        if (sent != Sent::all || mode != Mode::tls || out.empty()) return sent;
    }
    return Sent::yielded;
}

// Moves queued bytes into records until a batch is full.
Status Stream::Impl::encrypt_some() {
    while (mode == Mode::tls && !out.empty() && tls->outgoing().size() - records_sent < record_batch) {
        OutputQueue::Block& block = out.front();
        std::string_view piece = block.rest().substr(0, file_piece);
        if (block.is_file()) {
            const auto scratch = loop.scratch();
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(block.left, scratch.size()));
            RETURN_IF_ERROR(read_range(block.file.get(), block.offset, scratch.data(), size));
            piece = {scratch.data(), size};
        }
        if (tls->write(piece) != TlsSession::Step::done) return tls->error();
        total_out += piece.size();
        out.sent(piece.size());
    }
    return {};
}

Stream::Impl::Sent Stream::Impl::send_records() {
    std::string& records = tls->outgoing();
    while (records_sent < records.size()) {
        const ssize_t n = send(fd.get(), records.data() + records_sent, records.size() - records_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Sent::blocked;
        if (n < 0) {
            fail(StreamEnd::error, errno_error("write"));
            return Sent::failed;
        }
        records_sent += static_cast<std::size_t>(n);
        wire_out += static_cast<std::uint64_t>(n);
    }
    records.clear();
    records_sent = 0;
    if (out.empty() && records.capacity() > keep_records) records.shrink_to_fit();
    return Sent::all;
}

} // namespace posada::io
