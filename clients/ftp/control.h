// SPDX-License-Identifier: BSD-2-Clause
// Control: the control connection. A command goes out, replies come in and are shown as the settings want it. No
// argument can carry a second command: CR, LF and NUL are refused here, whoever asked.
#pragma once

#include <string>
#include <string_view>

#include "clients/ftp/reply.h"
#include "clients/ftp/screen.h"
#include "clients/ftp/settings.h"
#include "clients/ftp/wire.h"
#include "common/proto/line.h"

namespace posada::ftp {

enum class Show : std::uint8_t {
    as_set,  // all replies if verbose, else those that refuse
    always,  // the reply is what was asked for
    nothing, // the user did not ask for this
    failure, // those that refuse
};

class Control {
  public:
    Control(Wire wire, const Screen& screen, const Settings& settings)
        : wire_(std::move(wire)), screen_(screen), settings_(settings) {}

    // The next reply, whatever it is; 1xx included.
    Result<Reply> command(std::string_view line, Show show = Show::as_set);
    Status send(std::string_view line);
    Result<Reply> reply(Show show = Show::as_set);
    // The same with another patience, as after ABOR.
    Result<Reply> reply(Show show, Millis patience);
    // Everything that came in clear has been read, or the server (or somebody between) tries to have it taken for what
    // comes under TLS: Errc::protocol.
    Status start_tls(const std::shared_ptr<io::TlsContext>& context, const std::string& name);
    [[nodiscard]] const Wire& wire() const { return wire_; }

  private:
    Result<std::string> line(Millis patience);
    void show_reply(const Reply& reply, Show show) const;
    Wire wire_;
    const Screen& screen_;
    const Settings& settings_;
    std::size_t endless_ = 0; // octets of the reply under way
    std::string pending_;     // read, and not yet cut into lines
    proto::LineReader lines_{max_reply_line};
};

// What was refused, as an Error: 421 is closed, 5xx and 4xx denied.
Error refusal(const Reply& reply);

} // namespace posada::ftp
