// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/helper_handle.h"

#include <signal.h>

#include "common/service/launch/child_program.h"

namespace posada::smtpd {

Result<std::unique_ptr<HelperHandle>> HelperHandle::start(io::Loop& loop, priv::Reaper& reaper, HelperProgram program,
                                                          std::function<void()> on_ready,
                                                          std::function<void(int)> on_exit) {
    auto config = make_sealed_memfd("posada-config", program.options);
    if (!config) return config.error();
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    std::unique_ptr<HelperHandle> handle(new HelperHandle);
    handle->reaper_ = &reaper;
    handle->on_ready_ = std::move(on_ready);
    handle->channel_ = priv::Channel(std::move(pair->first));
    auto pid = service::start_child_program(program.path, program.identity, pair->second.get(), program.log_fd);
    if (!pid) return pid.error();
    handle->pid_ = *pid;
    reaper.add(*pid, [raw = handle.get(), on_exit = std::move(on_exit)](int status) {
        raw->pid_ = -1;
        on_exit(status);
    });
    const int fds[] = {config->get(), program.socket.get()};
    RETURN_IF_ERROR(
        handle->channel_.send(static_cast<std::uint16_t>(HelperMessage::hello), 0, to_bytes(program.hello), fds));
    RETURN_IF_ERROR(set_nonblocking(handle->channel_.fd(), true));
    handle->watch_ = std::make_unique<io::Watch>(loop, handle->channel_.fd(), io::Interest::read,
                                                 [raw = handle.get()](io::Interest) { raw->on_readable(); });
    return handle;
}

HelperHandle::~HelperHandle() {
    if (pid_ <= 0) return;
    reaper_->forget(pid_);
    ::kill(pid_, SIGKILL);
}

void HelperHandle::on_readable() {
    const auto received = channel_.receive(0);
    if (!received && received.error().code == Errc::busy) return;
    if (!received || !received->has_value()) { // SIGCHLD has the verdict
        watch_.reset();
        channel_.close();
        return;
    }
    if ((*received)->type != static_cast<std::uint16_t>(HelperMessage::ready) || ready_) return;
    ready_ = true;
    on_ready_();
}

void HelperHandle::send_socket(int fd) {
    if (channel_.valid() && !channel_.send(static_cast<std::uint16_t>(HelperMessage::adopt), 0, {}, {&fd, 1}))
        channel_.close();
}

void HelperHandle::stop() {
    if (channel_.valid() && !channel_.send(static_cast<std::uint16_t>(HelperMessage::stop), 0, {})) channel_.close();
}

} // namespace posada::smtpd
