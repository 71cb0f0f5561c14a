// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login/account_apart.h"

#include "common/base/exit_code.h"
#include "common/base/fd.h"
#include "common/base/fork.h"
#include "common/priv/request_list.h"

namespace posada::service {

namespace {
constexpr std::size_t max_answer = 16 * 1024;
} // namespace

Result<auth::Account> find_account_apart(const std::string& name, const auth::AccountSources& sources) {
    auto pipe = make_pipe();
    if (!pipe) return pipe.error();
    auto child = fork_process([&]() -> int {
        const std::string answer = priv::answer_payload<auth::Account>(auth::find_account(name, sources));
        return write_all(pipe->second.get(), answer) ? 0 : exit_system;
    });
    if (!child) return child.error();
    pipe->second.reset();
    const auto answer = read_all(pipe->first.get(), max_answer);
    wait_for(*child);
    if (!answer) return answer.error();
    const auto body = priv::decode_answer(*answer);
    if (!body && body.error().code == Errc::protocol) return Error{Errc::unavailable, 0, "the account lookup died"};
    if (!body) return body.error();
    return from_bytes<auth::Account>(*body);
}

} // namespace posada::service
