// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/echod/options.h"

#include "common/service/config/config.h"

namespace posada::echod {

namespace {

using namespace posada::service;

constexpr OptionRow rows[] = {
    text<&EchoOptions::greeting>("greeting", "What a client is greeted with."),
    duration<&EchoOptions::idle_timeout>("idle_timeout", Millis(100), Seconds(3'600),
                                         "Silence before the connection is closed."),
    duration<&EchoOptions::agent_timeout>("agent_timeout", Millis(100), Seconds(3'600),
                                          "How long the user's agent may take for an answer."),
};
constexpr Schema schema{rows};

std::vector<Listener> builtin_listeners() {
    Listener echo = make_listener("echo", 10007, TlsMode::starttls);
    echo.addresses = {"127.0.0.1"};
    return {echo};
}

} // namespace

const SectionInfo& EchoOptions::section() {
    static const SectionInfo info{"echod", "Echo.", &schema, &make_options<EchoOptions>, &builtin_listeners, nullptr};
    return info;
}

} // namespace posada::echod
