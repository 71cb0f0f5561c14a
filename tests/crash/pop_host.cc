// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/pop_host.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "common/store/delivery.h"
#include "common/store/maildir_name.h"

namespace posada::crash {

using namespace posada::pop3d;

namespace {

constexpr std::uint32_t all_messages = 100'000;
constexpr unsigned probe_token = 900'000; // delivered by the judge
constexpr unsigned first_number = 10;

std::size_t size_of(unsigned token) { return 300 + token % 7 * 700; }

// What the net process makes of a row for UIDL.
std::string id_of(const ListedMessage& message, std::uint32_t uidvalidity) {
    char text[17];
    std::snprintf(text, sizeof text, "%08x%08x", message.uid, uidvalidity);
    return message.uidl.empty() ? text : message.uidl;
}

} // namespace

std::string pop_mail(unsigned token) {
    std::string text = "From: <lir@micasa.test>\nX-Token: " + std::to_string(token) + "\n\n";
    while (text.size() < size_of(token)) text += "line of " + std::to_string(token) + "\n";
    return text + "end of " + std::to_string(token) + "\n";
}

unsigned token_of(std::string_view text) {
    const std::size_t at = text.find("X-Token: ");
    if (at == std::string_view::npos) return 0;
    const auto token =
        static_cast<unsigned>(std::strtoul(std::string(text.substr(at + 9, 10)).c_str(), nullptr, first_number));
    return text == pop_mail(token) ? token : 0;
}

// ---- a client ----

PopSession::PopSession(const std::string& maildir) : agent_(AgentTask{maildir, Millis(100), all_messages}) {}

// As the agent's loop does it, in this process: the gate is that of the whole session.
template <class R>
Result<priv::Answered<typename R::Answer>> PopSession::ask(const R& request) {
    priv::Message message;
    message.type = R::row.type;
    message.session = 1;
    message.payload = to_bytes(request);
    auto answer = priv::serve_one<AgentRequests>(gate_, agent_, message);
    if (!answer) return answer.error();
    const auto body = priv::decode_answer(answer->payload);
    if (!body) return body.error();
    auto typed = from_bytes<typename R::Answer>(*body);
    if (!typed) return typed.error();
    if (answer->afterwards) answer->afterwards();
    return priv::Answered<typename R::Answer>{std::move(*typed), std::move(answer->fds)};
}

Result<std::vector<Seen>> PopSession::open() {
    const auto opened = ask(OpenMailboxRequest{});
    if (!opened) return opened.error();
    std::vector<Seen> out;
    while (out.size() < opened->body.messages) {
        const auto listed = ask(List{static_cast<std::uint32_t>(out.size())});
        if (!listed) return listed.error();
        for (const ListedMessage& message : listed->body.messages)
            out.push_back({0, id_of(message, opened->body.uidvalidity)});
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto text = fetch(i);
        if (!text) return text.error();
        out[i].token = token_of(*text);
    }
    return out;
}

Result<std::string> PopSession::fetch(std::size_t index) {
    const auto answer = ask(Fetch{static_cast<std::uint32_t>(index), 1});
    if (!answer) return answer.error();
    if (answer->fds.empty()) return Error{Errc::protocol, 0, "no descriptor"};
    return read_all(answer->fds.front().get(), 1 << 20);
}

Status PopSession::retrieve(std::size_t index) {
    const auto text = fetch(index);
    if (!text) return text.error();
    return {};
}

template <class Change>
Status PopSession::change(const std::vector<std::size_t>& indexes) {
    const auto answer = ask(Change{{indexes.begin(), indexes.end()}});
    return answer ? Status() : Status(answer.error());
}

Status PopSession::quit(const std::vector<std::size_t>& deleted, const std::vector<std::size_t>& seen) {
    if (!deleted.empty()) RETURN_IF_ERROR(change<Remove>(deleted));
    if (!seen.empty()) static_cast<void>(change<MarkSeen>(seen)); // the client hears nothing of this
    if (deleted.empty()) return {};
    const auto committed = ask(Commit{});
    return committed ? Status() : Status(committed.error());
}

// ---- the host ----

Status PopHost::create() {
    const auto made = store::Maildir::open_or_create(maildir());
    if (!made) return made.error();
    return {};
}

Status PopHost::deliver(unsigned first, unsigned last) {
    auto maildir = store::Maildir::open(this->maildir());
    if (!maildir) return maildir.error();
    const bool many = last - first > 2;
    store::DeliveryBatch batch(*maildir, many ? store::DataSync::whole_filesystem : store::DataSync::each_file);
    for (unsigned token = first; token <= last; ++token) {
        const std::int64_t micros = (1'700'000'000 + std::int64_t{token}) * 1'000'000;
        RETURN_IF_ERROR(batch.begin(store::unique_name(micros, 1, token, "micasa.test")));
        RETURN_IF_ERROR(batch.write(pop_mail(token)));
        RETURN_IF_ERROR(batch.end());
    }
    unsigned token = first;
    Status all;
    for (const Status& status : batch.commit()) {
        if (status) tell_("ack " + std::to_string(token));
        if (!status) all = status;
        ++token;
    }
    return all;
}

Status PopHost::session(const std::set<unsigned>& retrieve, const std::set<unsigned>& remove,
                        const std::function<Status()>& meanwhile, bool quits) {
    let_time_pass(maildir());
    PopSession session(maildir());
    const auto found = session.open();
    if (!found) return found.error();
    std::vector<std::size_t> deleted;
    std::vector<std::size_t> read;
    for (const Seen& seen : *found) tell_("uidl " + std::to_string(seen.token) + " " + seen.uidl);
    for (std::size_t i = 0; i < found->size(); ++i) {
        const bool reads = retrieve.count((*found)[i].token) != 0;
        const bool deletes = remove.count((*found)[i].token) != 0;
        if (reads) RETURN_IF_ERROR(session.retrieve(i));
        if (deletes) deleted.push_back(i);
        if (reads && !deletes) read.push_back(i);
    }
    if (meanwhile) RETURN_IF_ERROR(meanwhile());
    if (!quits) return {};
    for (const std::size_t i : deleted) tell_("asked " + std::to_string((*found)[i].token));
    RETURN_IF_ERROR(session.quit(deleted, read));
    for (const std::size_t i : deleted) tell_("gone " + std::to_string((*found)[i].token));
    return {};
}

Status pop_script(PopHost& host, bool go_on) {
    const std::function<Status()> steps[] = {
        [&] { return host.create(); },
        [&] { return host.deliver(1, 1); },
        [&] { return host.session({1}, {}); }, // the first ids of all
        [&] { return host.deliver(2, 3); },
        [&] { return host.session({2}, {1}, [&] { return host.deliver(4, 4); }); }, // mail comes while one is deleted
        [&] { return host.session({}, {3}); },
        [&] { return host.deliver(5, 9); }, // one syncfs
        [&] {
            return host.session({5, 6}, {5}, nullptr, false);
        }, // the connection is lost
        [&] {
            return host.session({7}, {5, 7, 8}, [&] { return host.deliver(10, 10); });
        },
        [&] {
            return host.session({}, {2, 4, 6, 9, 10});
        }, // all that is left
        [&] { return host.deliver(11, 12); },
        [&] { return host.session({11}, {12}); },
    };
    Status first;
    for (const auto& step : steps) {
        Status done = step();
        if (!done && !go_on) return done;
        if (!done && first) first = std::move(done);
    }
    return first;
}

Status short_pop_script(PopHost& host) {
    RETURN_IF_ERROR(host.create());
    RETURN_IF_ERROR(host.deliver(1, 3));
    RETURN_IF_ERROR(host.session({1}, {2}, [&] { return host.deliver(4, 4); }));
    return host.session({4}, {3});
}

void let_time_pass(const std::string& maildir) {
    static std::int64_t milliseconds = 0; // later is later
    const std::int64_t at = 1'600'000'000'000 + ++milliseconds * 50;
    const timespec then{at / 1000, at % 1000 * 1'000'000};
    const timespec both[] = {then, then};
    for (const char* sub : {"", "/new", "/cur"}) ::utimensat(AT_FDCWD, (maildir + sub).c_str(), both, 0);
}

// ---- the judge ----

void History::note(const std::string& mark) {
    const std::size_t blank = mark.find(' ');
    const std::string rest = mark.substr(blank + 1);
    const auto token = static_cast<unsigned>(std::strtoul(rest.c_str(), nullptr, first_number));
    const std::string what = mark.substr(0, blank);
    if (what == "ack") acked_.insert(token);
    if (what == "asked") asked_.insert(token);
    if (what == "gone") gone_.insert(token);
    if (what != "uidl") return;
    const std::string id = rest.substr(rest.find(' ') + 1);
    ids_[id] = token;
    id_of_[token] = id;
}

std::string History::compare(const std::vector<Seen>& found) const {
    std::set<unsigned> there;
    std::set<std::string> ids;
    for (const auto& [token, id] : found) {
        const std::string name = "message " + std::to_string(token);
        if (token == 0) return "a half-written message with the id " + id;
        if (!there.insert(token).second) return name + " is there twice";
        if (!ids.insert(id).second) return "two messages have the id " + id;
        if (gone_.count(token) != 0) return name + " was deleted and is back";
        const auto known = ids_.find(id);
        if (known != ids_.end() && known->second != token)
            return name + " has the id " + id + ", which was shown for " + std::to_string(known->second);
        const auto shown = id_of_.find(token);
        if (shown != id_of_.end() && shown->second != id)
            return name + " has the id " + id + ", and " + shown->second + " before";
    }
    for (const unsigned token : acked_)
        if (asked_.count(token) == 0 && there.count(token) == 0)
            return "message " + std::to_string(token) + " was acknowledged and is lost";
    return {};
}

// Who was killed is dead and some seconds have passed: this process, which played that part, lives.
static void bury(const std::string& maildir) {
    const std::string path = maildir + "/dovecot-uidlist.lock";
    const auto holder = read_file(path, 1000);
    if (!holder) return;
    constexpr std::string_view nobody = "2147483646"; // more than any process id
    const std::size_t colon = holder->find(':');
    if (colon != std::string::npos && holder->substr(0, colon) == std::to_string(::getpid())) {
        std::ofstream out(path, std::ios::binary);
        out << nobody << holder->substr(colon);
    }
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const timespec then{now.tv_sec - 3, 0};
    const timespec both[] = {then, then};
    ::utimensat(AT_FDCWD, path.c_str(), both, 0);
}

std::string History::judge(const std::string& root) const {
    bury(root + "/Maildir");
    History later = *this;
    PopHost host(root, [&](const std::string& mark) { later.note(mark); });
    if (const Status made = host.create(); !made) return "no mailbox: " + made.error().describe();
    for (int round = 0; round < 2; ++round) {
        let_time_pass(host.maildir());
        PopSession session(host.maildir());
        const auto found = session.open();
        if (!found) return "no login: " + found.error().describe();
        if (std::string wrong = later.compare(*found); !wrong.empty()) return wrong;
        for (const Seen& seen : *found) later.note("uidl " + std::to_string(seen.token) + " " + seen.uidl);
        if (const Status status = session.quit({}); !status) return "no QUIT: " + status.error().describe();
        if (round > 0) break;
        if (const Status status = host.deliver(probe_token, probe_token); !status)
            return "no delivery: " + status.error().describe();
    }
    return {};
}

} // namespace posada::crash
