// SPDX-License-Identifier: BSD-2-Clause
// [echod]: a member with its default here, a row in options.cc.
#pragma once

#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/service/net/net.h"

namespace posada::service {
struct SectionInfo;
}

namespace posada::echod {

struct EchoOptions {
    std::string greeting = "hello";
    Millis idle_timeout{60'000};
    Millis agent_timeout{30'000};
    static const service::SectionInfo& section();
};

// A daemon has one model; this one has both, by the name of its program, so that the tests see both.
inline service::NetModel model_of(std::string_view program) {
    return program.find("-shared") == program.npos ? service::NetModel::per_connection : service::NetModel::shared;
}

} // namespace posada::echod
