// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/lookup_worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/exit_code.h"
#include "common/base/fork.h"
#include "common/base/log.h"
#include "common/priv/channel.h"
#include "common/priv/drop.h"
#include "common/priv/process.h"
#include "common/priv/serve.h"
#include "common/service/log_transport.h"

namespace posada::smtpd {

namespace {

constexpr Millis check_users_every{2'000};
constexpr std::size_t max_names = 16 << 20;

// The users file is read in a process that ends at once: no verifier stays in a heap that name services will share.
Result<auth::AccountNames> load_names(const std::string& users_file) {
    if (auth::file_stamp(users_file).size < 0) return auth::AccountNames();
    auto pipe = make_pipe();
    if (!pipe) return pipe.error();
    const auto child = fork_process([&]() -> int {
        const auto names = auth::AccountNames::load(users_file);
        if (!names) return exit_system;
        Writer out;
        for (const auto& name : names->names()) out.str(name);
        return write_all(pipe->second.get(), "ok" + out.bytes()) ? 0 : exit_system;
    });
    if (!child) return child.error();
    pipe->second.reset();
    const auto text = read_all(pipe->first.get(), max_names);
    wait_for(*child);
    if (!text || text->substr(0, 2) != "ok") return Error{Errc::unavailable, 0, users_file + " cannot be read"};
    std::vector<std::string> names;
    Reader in(std::string_view(*text).substr(2));
    for (std::size_t used = 2; used < text->size() && !in.failed(); used += 2 + names.back().size())
        names.emplace_back(in.str());
    RETURN_IF_ERROR(in.finish());
    return auth::AccountNames(std::move(names));
}

} // namespace

Result<Verdicts> LookupAnswerer::on(const Lookup& request) {
    if (request.names.size() > max_lookup_batch) return Error{Errc::limit, 0, "too many names"};
    Verdicts out;
    for (const std::string& name : request.names) {
        const auto exists = auth::account_exists(name, names, sources);
        out.verdicts.push_back(!exists ? HasMail::cannot_say : *exists ? HasMail::yes : HasMail::no);
    }
    return out;
}

LookupWorkers::LookupWorkers(io::Loop& loop, auth::AccountSources sources, int log_fd)
    : sources_(std::move(sources)), log_fd_(log_fd), timer_(loop, [this] { watch_users(); }) {}

LookupWorkers::~LookupWorkers() { end_all(); }

void LookupWorkers::end(const Worker& worker) {
    ::kill(worker.pid, SIGKILL);
    wait_for(worker.pid);
}

void LookupWorkers::end_all() {
    for (const Worker& worker : std::exchange(workers_, {})) end(worker);
}

// A worker knows the users of its birth. When they change it goes; its program asks for the next one and repeats what
// was unanswered.
void LookupWorkers::end_if_users_changed() {
    const auth::FileStamp stamp = auth::file_stamp(sources_.users_file);
    if (!(stamp == stamp_)) end_all();
    stamp_ = stamp;
}

// A worker whose program has ended has ended by itself.
void LookupWorkers::watch_users() {
    std::erase_if(workers_, [](const Worker& worker) { return ::waitpid(worker.pid, nullptr, WNOHANG) == worker.pid; });
    end_if_users_changed();
    timer_.start(check_users_every);
}

Result<UniqueFd> LookupWorkers::start(const service::Identity& identity, pid_t program) {
    end_if_users_changed();
    const auto its_own = [program](const Worker& worker) { return worker.program == program; };
    for (const Worker& worker : workers_)
        if (its_own(worker)) end(worker);
    std::erase_if(workers_, its_own);
    auto names = load_names(sources_.users_file);
    if (!names) return names.error();
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    const auto child = fork_process([&]() -> int {
        const int channel_fd = pair->second.get();
        const int keep[] = {channel_fd, log_fd_};
        close_all_except(keep);
        service::RecordSink sink(log_fd_);
        set_log_sink(&sink);
        priv::set_process_title("smtpd: lookup");
        const Status dropped = priv::become_user(identity.uid, identity.gid, {});
        if (!dropped || !priv::harden_process() || !priv::null_standard_input_output()) return exit_system;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a change of user would take it back
        priv::Channel channel(UniqueFd{channel_fd});
        LookupAnswerer answerer{*names, sources_};
        return priv::agent_status(priv::serve_requests<LookupRequests>(channel, answerer));
    });
    if (!child) return child.error();
    workers_.push_back({program, *child});
    if (!timer_.running()) timer_.start(check_users_every);
    return std::move(pair->first);
}

} // namespace posada::smtpd
