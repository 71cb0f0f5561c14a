// SPDX-License-Identifier: BSD-2-Clause
// What Conn asks the user's agent.
#include <unistd.h>

#include "ftpd/conn.h"

namespace posada::ftpd {

namespace {
constexpr std::size_t most_status = 48 * 1024; // of STAT path, which goes over the control connection
} // namespace

void Conn::act(const EnterDirectory& enter) {
    ask_agent(EnterRequest{enter.path}, [this, path = enter.path](const auto& answer) {
        answer ? session().entered(path, answer->body.message) : session().refused(answer.error().code);
    });
}

void Conn::act(const Look& look) {
    ask_agent(LookRequest{look.path, look.facts}, [this](const auto& answer) {
        if (!answer) return session().refused(answer.error().code);
        const LookAnswer& facts = answer->body;
        session().looked({facts.plain_file, facts.size, facts.modified, facts.line});
    });
}

void Conn::act(const ChangeFiles& change) {
    ask_agent(ChangeRequest{change.change, change.path, change.to, change.value},
              [this](const auto& answer) { answer ? session().changed() : session().refused(answer.error().code); });
}

void Conn::act(const AskRoom& room) {
    ask_agent(RoomRequest{room.octets},
              [this](const auto& answer) { answer ? session().changed() : session().refused(answer.error().code); });
}

// While the agent works, there is time to see whether the client has connected.
void Conn::act(const OpenFile& open) {
    open.how == Opening::retrieve ? open_to_read(open) : open_to_write(open);
    (void)data_.connected();
}

// A ticket for the data connection goes in front of the reply: clients use each once.
void Conn::opened(TransferPlan::What what, Opened opened) {
    plan_.what = what;
    opened.data_is_connected = data_.connected();
    stream().send_tls_ticket();
    session().file_opened(std::move(opened));
}

void Conn::open_to_read(const OpenFile& open) {
    ask_agent(ReadRequest{open.path}, [this, offset = open.offset](auto answer) {
        if (!answer) return session().refused(answer.error().code);
        if (answer->fds.size() != 1) return session().refused(Errc::protocol);
        const std::uint64_t size = answer->body.size;
        if (offset > size) return session().refused(Errc::invalid);
        plan_ = {};
        plan_.file = std::move(answer->fds.front());
        plan_.offset = offset;
        plan_.size = size;
        opened(TransferPlan::What::send_file, {size});
    });
}

void Conn::open_to_write(const OpenFile& open) {
    const bool new_name = open.how == Opening::store_new;
    ask_agent(WriteRequest{open.how, open.path, open.offset, open.mode},
              [this, new_name, path = open.path](auto answer) {
                  if (!answer) return session().refused(answer.error().code);
                  if (answer->fds.size() != 1) return session().refused(Errc::protocol);
                  plan_ = {};
                  plan_.file = std::move(answer->fds.front());
                  plan_.room = answer->body.room;
                  prepare_gift(path);
                  opened(TransferPlan::What::receive, {0, new_name ? answer->body.name : std::string()});
              });
}

// The file is held beside the transfer: the monitor is asked when all has come.
void Conn::prepare_gift(const std::string& path) {
    gift_.reset();
    const auto boxes = boxes_of(settings_.policy, session().account());
    const UploadBox* box = box_around(boxes, path);
    if (box == nullptr || box->owner.empty()) return;
    auto file = duplicate_fd(plan_.file.get());
    gift_.emplace(Gift{path, file ? std::move(*file) : UniqueFd()});
}

void Conn::act(const OpenListing& open) {
    ask_agent(ListRequest{open.form, open.path, open.typed, open.all, open.facts}, [this](auto answer) {
        if (!answer) return session().refused(answer.error().code);
        if (answer->fds.size() != 1 || !set_nonblocking(answer->fds.front().get(), true))
            return session().refused(Errc::protocol);
        plan_ = {};
        plan_.file = std::move(answer->fds.front());
        opened(TransferPlan::What::send_pipe, {});
    });
}

void Conn::act(const ReadListing& read) {
    const OpenListing& what = read.what;
    ask_agent(ListRequest{what.form, what.path, what.typed, what.all, what.facts}, [this](auto answer) {
        if (!answer) return session().refused(answer.error().code);
        if (answer->fds.size() != 1 || !set_nonblocking(answer->fds.front().get(), true))
            return session().refused(Errc::protocol);
        reading_.emplace(Reading{std::move(answer->fds.front()), nullptr, {}});
        reading_->watch = std::make_unique<io::Watch>(context().loop, reading_->pipe.get(), io::Interest::read,
                                                      [this](io::Interest) { read_listing(); });
    });
}

// Up to a whole line within the limit.
void Conn::read_listing() {
    const auto scratch = context().loop.scratch();
    const ssize_t n = ::read(reading_->pipe.get(), scratch.data(), scratch.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    std::string& text = reading_->text;
    if (n > 0) text.append(scratch.data(), static_cast<std::size_t>(n));
    const bool cut = text.size() > most_status;
    if (n > 0 && !cut) return;
    if (cut) text.resize(text.rfind('\n', most_status) + 1);
    const std::string lines = std::move(text);
    reading_.reset();
    session().text_read(lines, cut);
    run();
}

} // namespace posada::ftpd
