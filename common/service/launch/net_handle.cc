// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/net_handle.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>
#include <utility>

#include "common/service/launch/child_program.h"

namespace posada::service {

namespace {

constexpr int most_reports = 16; // at once: signals and other work have their turn, whatever a program says

std::uint16_t number(NetMessage type) { return static_cast<std::uint16_t>(type); }

Result<UniqueFd> make_page() {
    UniqueFd page(::memfd_create("posada-serving", MFD_CLOEXEC));
    if (!page.valid() || ::ftruncate(page.get(), sizeof(std::uint64_t)) != 0) return errno_error("serving page");
    return page;
}

} // namespace

Result<std::unique_ptr<NetHandle>> NetHandle::start(io::Loop& loop, NetProgram program, Events events) {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    std::unique_ptr<NetHandle> handle(new NetHandle(loop, std::move(events)));
    handle->channel_ = priv::Channel(std::move(pair->first));
    handle->forks_ = program.forks;
    handle->reports_ = program.forks ? priv::RequestGate(zygote_reports) : priv::RequestGate(shared_reports);
    handle->new_session_ = std::move(program.new_session);
    auto pid = start_child_program(program.path, program.identity, pair->second.get(), program.log_fd);
    if (!pid) return pid.error();
    handle->pid_ = *pid;
    RETURN_IF_ERROR(handle->say_hello(program));
    handle->signer_ = std::move(program.signer);
    if (handle->signer_)
        handle->signer_->watch(loop, {handle->events_.on_signer_breach,
                                      [raw = handle.get()](int status) { raw->events_.on_signer_exit(*raw, status); }});
    return handle;
}

Status NetHandle::say_hello(const NetProgram& program) {
    auto config = make_sealed_memfd("posada-config", encode(program.config));
    if (!config) return config.error();
    const auto no_certificates = make_sealed_memfd("posada-certificates", encode(NetSecrets{}));
    if (!no_certificates) return no_certificates.error();
    const UniqueFd& certificates = program.signer ? program.signer->certificates() : *no_certificates;
    auto page = make_page();
    if (!page) return page.error();
    void* memory = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, page->get(), 0);
    if (memory == MAP_FAILED) return errno_error("map of the serving page");
    page_ = static_cast<std::uint64_t*>(memory);
    const int fds[] = {config->get(), certificates.get(), page->get()};
    RETURN_IF_ERROR(channel_.send(number(NetMessage::hello), 0, to_bytes(program.hello), fds));
    RETURN_IF_ERROR(set_nonblocking(channel_.fd(), true));
    watch_ = std::make_unique<io::Watch>(loop_, channel_.fd(), io::Interest::read,
                                         [this](io::Interest) { read_reports(most_reports); });
    return {};
}

NetHandle::~NetHandle() {
    if (pid_ > 0) {
        kill_program();
        ::waitpid(pid_, nullptr, 0);
    }
    if (page_ != nullptr) ::munmap(page_, sizeof(std::uint64_t));
}

std::uint64_t NetHandle::serving() const { return page_ == nullptr ? 0 : *page_; }

Result<MonitorEnd> NetHandle::send_connection(ConnectionInfo info, int socket) {
    return forks_ ? send_to_process(std::move(info), socket) : send_to_program(std::move(info), socket);
}

Result<MonitorEnd> NetHandle::send_to_program(ConnectionInfo info, int socket) {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    RETURN_IF_ERROR(set_nonblocking(pair->first.get(), true));
    info.id = new_session_();
    const int fds[] = {socket, pair->second.get()};
    RETURN_IF_ERROR(channel_.send(number(NetMessage::connection), info.id, encode(info), fds));
    return MonitorEnd{info.id, std::move(pair->first)};
}

// Straight to the process that waits; the zygote hears of it when it is asked for the next one. A process that is not
// forked yet finds its client in its channel.
Result<MonitorEnd> NetHandle::send_to_process(ConnectionInfo info, int socket) {
    const bool waits = prepared_.has_value();
    Result<MonitorEnd> process = waits ? std::move(*std::exchange(prepared_, std::nullopt)) : ask_for_process();
    if (!process) return process.error();
    info.id = process->session;
    priv::Channel channel(std::move(process->channel));
    const Status sent = channel.send(number(NetMessage::connection), info.id, encode(info), {&socket, 1});
    if (!sent && sent.error().code == Errc::closed && waits)
        return send_to_process(std::move(info), socket); // it ended
    RETURN_IF_ERROR(sent);
    prepare_process();
    return MonitorEnd{info.id, channel.take()};
}

Result<MonitorEnd> NetHandle::ask_for_process() {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    RETURN_IF_ERROR(set_nonblocking(pair->first.get(), true));
    const std::uint64_t session = new_session_();
    const int fds[] = {pair->second.get()};
    RETURN_IF_ERROR(channel_.send(number(NetMessage::process), session, {}, fds));
    return MonitorEnd{session, std::move(pair->first)};
}

// None is no failure: a connection asks for its own process when it comes.
void NetHandle::prepare_process() {
    if (!forks_ || !prepares_ || prepared_) return;
    auto asked = ask_for_process();
    if (asked) prepared_ = std::move(*asked);
}

void NetHandle::process_ended(std::uint64_t session, int status) {
    if (!prepared_ || prepared_->session != session) return events_.on_ended(session, status);
    prepares_ = false;
    prepared_.reset();
}

Status NetHandle::send_channel(std::string_view name, int channel) {
    Writer w;
    w.str(name);
    const int fds[] = {channel};
    return channel_.send(number(NetMessage::adopt), 0, w.bytes(), fds);
}

void NetHandle::sign(std::uint64_t session, const priv::Message& request) {
    if (signer_) signer_->sign(session, request);
}

void NetHandle::kill_connection(std::uint64_t session) {
    Writer w;
    w.u64(session);
    if (!channel_.send(number(NetMessage::kill), 0, w.bytes())) kill_program();
}

void NetHandle::kill_program() {
    killed_ = true;
    if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void NetHandle::stop() {
    prepares_ = false;
    prepared_.reset();
    if (channel_.valid() && !channel_.send(number(NetMessage::stop), 0, {})) channel_.close();
}

Status NetHandle::on_message(const priv::Message& message) {
    if (const auto row = reports_.admit(message); !row) return row.error();
    Reader r(message.payload);
    const auto type = static_cast<NetMessage>(message.type);
    if (type == NetMessage::ready) {
        ready_ = true;
        prepare_process();
        events_.on_ready(*this);
    } else if (type == NetMessage::ended) {
        const std::uint64_t session = r.u64();
        const auto status = static_cast<int>(r.u32());
        if (!r.finish()) return Error{Errc::protocol, 0, "ended: malformed"};
        process_ended(session, status);
    } else {
        const std::string name(r.str());
        if (!r.finish()) return Error{Errc::protocol, 0, "want: malformed"};
        return events_.on_want(*this, name);
    }
    return {};
}

void NetHandle::breached(const std::string& what) {
    kill_program();
    watch_.reset();
    channel_.close();
    events_.on_breach(what);
}

void NetHandle::read_reports(int most) {
    for (int n = 0; n < most; ++n) {
        const auto received = channel_.receive(0);
        if (!received && received.error().code == Errc::busy) return;
        if (!received && received.error().code == Errc::protocol) return breached(received.error().text);
        if (!received || !received->has_value()) {
            // The end of the channel comes before or after SIGCHLD; reap() gives the verdict either way.
            watch_.reset();
            channel_.close();
            return;
        }
        if (const Status said = on_message(**received); !said) return breached(said.error().text);
    }
}

void NetHandle::reap() {
    if (signer_) signer_->reap();
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return;
    if (watch_) read_reports(std::numeric_limits<int>::max()); // what it said last
    pid_ = -1;
    ready_ = false;
    watch_.reset();
    events_.on_exit(*this, status);
}

} // namespace posada::service
