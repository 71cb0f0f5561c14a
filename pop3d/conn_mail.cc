// SPDX-License-Identifier: BSD-2-Clause
// Conn's work in an open mailbox: messages from the agent's descriptors to the socket, and the deletions of QUIT.
#include <algorithm>

#include "pop3d/conn.h"

namespace posada::pop3d {

namespace {
constexpr std::size_t chunk_octets = 64 * 1024;

Result<std::vector<OpenedMessage>> opened_messages(Result<priv::Answered<FileSizes>>& answer) {
    if (!answer) return answer.error();
    const std::vector<std::uint64_t>& sizes = answer->body.sizes;
    if (sizes.empty() || sizes.size() != answer->fds.size())
        return Error{Errc::protocol, 0, "descriptors without their sizes"};
    std::vector<OpenedMessage> out(sizes.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = {std::move(answer->fds[i]), sizes[i]};
    return out;
}

std::vector<std::uint32_t> part_of(const std::vector<std::uint32_t>& numbers, std::size_t first, std::size_t count) {
    const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}
} // namespace

// The agent counts from 0.
void Conn::act(const OpenMessage& open) {
    ahead_.want(open.number - 1);
    open_wanted();
}

// What is wanted, if it is here, and whatever should be on its way by now.
void Conn::open_wanted() {
    if (auto message = ahead_.take()) {
        opened_ = std::move(*message);
        session().message_opened();
    }
    while (const auto range = ahead_.next_request()) fetch(*range);
}

void Conn::fetch(const Fetch& range) {
    ask_agent(range, [this, range](Result<priv::Answered<FileSizes>> answer) {
        if (session().closed()) return;
        auto messages = opened_messages(answer);
        if (messages) {
            ahead_.answered(range, std::move(*messages));
        } else if (ahead_.failed(range)) {
            const bool gone = messages.error().code == Errc::not_found;
            session().message_refused(gone ? MessageRefusal::gone : MessageRefusal::temporary);
        }
        open_wanted();
        run();
    });
}

void Conn::act(const SendMessage& send) {
    transfer_.emplace(Transfer{std::move(opened_), 0, MessageWriter(send.body_lines)});
    send_more();
}

// As much as the client takes; the rest when it has. A message that cannot be read on can only be broken off: without
// its final dot the client knows that it is not whole.
void Conn::send_more() {
    std::string out;
    while (transfer_ && client_reads()) {
        const auto piece = next_piece();
        if (!piece) {
            transfer_.reset();
            session().mailbox_lost();
            return;
        }
        if (piece->empty()) return end_transfer();
        out.clear();
        transfer_->writer.write(*piece, out);
        stream().write(out);
    }
}

// What comes next of the message, as it is stored; empty at its end.
Result<std::string_view> Conn::next_piece() {
    static char chunk[chunk_octets]; // one loop, one thread
    const OpenedMessage& message = transfer_->message;
    const std::uint64_t at = transfer_->offset;
    if (at >= message.size || transfer_->writer.satisfied()) return std::string_view();
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(message.size - at, sizeof chunk));
    RETURN_IF_ERROR(read_range(message.file.get(), at, chunk, wanted));
    transfer_->offset += wanted;
    return std::string_view(chunk, wanted);
}

void Conn::end_transfer() {
    std::string out;
    transfer_->writer.finish(out);
    stream().write(out);
    transfer_.reset();
    session().message_sent();
}

void Conn::act(const RemoveMessages& remove) {
    removing_.clear();
    for (const std::uint32_t number : remove.numbers) removing_.push_back(number - 1);
    seen_.clear();
    for (const std::uint32_t number : remove.seen) seen_.push_back(number - 1);
    remove_from(0);
}

void Conn::mark_seen_from(std::size_t first) {
    if (first == seen_.size()) return removing_.empty() ? session().messages_removed() : commit();
    const std::size_t count = std::min(remove_batch, seen_.size() - first);
    ask_agent(MarkSeen{part_of(seen_, first, count)}, [this, next = first + count](const auto&) {
        if (session().closed()) return;
        mark_seen_from(next);
        run();
    });
}

void Conn::remove_from(std::size_t first) {
    if (first == removing_.size()) return mark_seen_from(0);
    const std::size_t count = std::min(remove_batch, removing_.size() - first);
    ask_agent(Remove{part_of(removing_, first, count)}, [this, next = first + count](const auto& removed) {
        if (session().closed()) return;
        if (removed) return remove_from(next);
        session().removal_failed();
        run();
    });
}

// RFC 1939 §6: +OK to QUIT is said when the deletions are done, here: when they are on stable storage.
void Conn::commit() {
    ask_agent(Commit{}, [this](const auto& committed) {
        if (session().closed()) return;
        if (committed) {
            session().messages_removed();
        } else {
            session().removal_failed();
        }
        run();
    });
}

} // namespace posada::pop3d
