// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_open.h"

#include "common/io/addr.h"
#include "common/priv/channel.h"

namespace posada::smtpd {

std::string queue_socket_path(const std::string& run_dir) { return run_dir + "/queue.sock"; }

Result<UniqueFd> open_queue(const std::string& run_dir, QueueRole role) {
    const std::string path = queue_socket_path(run_dir);
    auto socket = io::connect_unix_seqpacket(path);
    if (!socket)
        return Error{Errc::unavailable, socket.error().sys,
                     path + ": the queue does not answer; is the service `smtpd --queue` running?"};
    priv::Channel channel(std::move(*socket));
    RETURN_IF_ERROR(channel.send(QueueHello::row.type, 0, to_bytes(hello_of(role))));
    return channel.take();
}

} // namespace posada::smtpd
