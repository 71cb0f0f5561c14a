// SPDX-License-Identifier: BSD-2-Clause
// Every crash state of a scripted run of queue and mailbox writer (states_run.h has the options): after each power
// failure the real code recovers, and what was acknowledged must be delivered, whole and once.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "tests/crash/mail_host.h"
#include "tests/crash/states_run.h"

using namespace posada;
using namespace posada::crash;

namespace {

// The script's messages: token, users, size.
struct Mail {
    unsigned token;
    std::vector<std::string> users;
    std::size_t size;
};
const std::vector<Mail> mails = {
    {1, {"daniel"}, 400},         {2, {"daniel"}, 4096}, {3, {"lir"}, 700},     {4, {"daniel", "lir"}, 5000},
    {5, {"daniel"}, 300 * 1024},  {6, {"lir"}, 90},      {7, {"daniel"}, 2000}, {8, {"gone"}, 900},
    {9, {"slow", "daniel"}, 600}, {10, {"lir"}, 20'000}, {11, {"lir"}, 300},    {12, {"daniel"}, 270 * 1024},
    {13, {"daniel"}, 500},        {14, {"daniel"}, 900}, {15, {"daniel"}, 80},  {16, {"daniel"}, 4000},
};
const std::string sender = "lir@micasa.test";

bool ends_with(const std::string& text, std::string_view tail) {
    return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

Mutation missing(std::string_view name, bool (*is_it)(const std::string& path)) {
    return {name, [is_it](const Event&, const std::string& path) { return is_it(path); }};
}

const std::vector<Mutation> mutations = {
    // fdatasync of the log at each commit, fsync of the database at a checkpoint, of the spool's directory
    missing("log", [](const std::string& p) { return ends_with(p, "spool.db-wal"); }),
    missing("database", [](const std::string& p) { return ends_with(p, "spool.db"); }),
    missing("spool-names", [](const std::string& p) { return p == "state"; }),
    // fdatasync of a large body, fsync of its directory
    missing("body", [](const std::string& p) { return p.find("bodies/") != std::string::npos; }),
    missing("body-name", [](const std::string& p) { return ends_with(p, "/bodies"); }),
    // fsync of a message in tmp/, syncfs for a batch of them, fsync of new/
    missing("mail-data", [](const std::string& p) { return p.find("/tmp/") != std::string::npos; }),
    {"mail-batch", [](const Event& e, const std::string&) { return e.kind == Event::Kind::sync_all; }},
    missing("mail-name", [](const std::string& p) { return ends_with(p, "/new"); }),
    // fsync of a new Maildir and its parent
    missing("maildir", [](const std::string& p) { return p.empty() || p == "daniel" || p == "lir"; }),
};

Status run_script(MailHost& host) {
    const auto submit = [&](unsigned first, unsigned last) {
        for (const Mail& mail : mails)
            if (mail.token >= first && mail.token <= last) host.submit(mail.token, mail.users, mail.size, sender);
        return host.flush();
    };
    RETURN_IF_ERROR(submit(1, 1));
    RETURN_IF_ERROR(host.deliver_all());
    RETURN_IF_ERROR(submit(2, 5)); // one transaction, several recipients, a large body
    RETURN_IF_ERROR(host.deliver_all());
    RETURN_IF_ERROR(host.checkpoint()); // the next commit begins the log anew
    RETURN_IF_ERROR(submit(6, 6));
    auto one = host.deliver_one(); // its outcome shares a transaction with what comes in
    if (!one) return one.error();
    host.slow = true;
    RETURN_IF_ERROR(submit(7, 9));
    RETURN_IF_ERROR(host.deliver_all()); // a failure is reported, a row is deferred
    host.slow = false;
    RETURN_IF_ERROR(host.retry_deferred());
    RETURN_IF_ERROR(submit(10, 12));
    RETURN_IF_ERROR(host.deliver_all());
    RETURN_IF_ERROR(submit(13, 16)); // enough for one syncfs
    RETURN_IF_ERROR(host.deliver_all());
    return host.checkpoint();
}

Status script(const std::string& root) {
    const auto host = MailHost::open(root);
    return host ? run_script(**host) : Status(host.error());
}

unsigned token_of(const std::string& text) {
    const std::size_t at = text.find("X-Token: ");
    return at == std::string::npos ? 0 : static_cast<unsigned>(std::strtoul(text.c_str() + at + 9, nullptr, 10));
}

const Mail* mail_of(unsigned token) {
    for (const Mail& mail : mails)
        if (mail.token == token) return &mail;
    return nullptr;
}

// Users' mailboxes: slow's mail goes to lir.
std::string owner_of(const std::string& user) { return user == "slow" ? "lir" : user; }

struct Found {
    std::map<std::pair<std::string, unsigned>, unsigned> mails; // whose, token: how many
    std::set<unsigned> reports;                                 // tokens
};

// Whatever is there is whole, and there once.
Found look(const std::string& root, std::vector<std::string>& wrong) {
    Found found;
    for (const std::string user : {"daniel", "lir"}) {
        const std::filesystem::path fresh = root + "/" + user + "/new";
        if (!std::filesystem::exists(fresh)) continue;
        for (const auto& entry : std::filesystem::directory_iterator(fresh)) {
            const std::string text = *read_file(entry.path(), 1 << 20);
            const unsigned token = token_of(text);
            const Mail* mail = mail_of(token);
            const bool report = text.rfind("Return-Path: <>\n", 0) == 0 && ends_with(text, "--\n");
            if (report) found.reports.insert(token);
            if (!report) ++found.mails[{user, token}];
            if (!report && (mail == nullptr || text != MailHost::stored_form(token, mail->size, sender)))
                wrong.push_back(user + " has a half-written message: " + entry.path().filename().string());
        }
    }
    for (const auto& [key, count] : found.mails)
        if (count != 1) wrong.push_back(key.first + " has token " + std::to_string(key.second) + " twice");
    return found;
}

void check_delivered(Found found, const std::vector<std::string>& marks, std::vector<std::string>& wrong) {
    for (const std::string& mark : marks) {
        if (mark.rfind("ack ", 0) != 0) continue;
        const Mail* mail = mail_of(static_cast<unsigned>(std::strtoul(mark.c_str() + 4, nullptr, 10)));
        const std::string token = std::to_string(mail->token);
        for (const std::string& user : mail->users) {
            if (user == "gone" && found.reports.count(mail->token) == 0)
                wrong.push_back("no report for token " + token);
            if (user != "gone" && found.mails[{owner_of(user), mail->token}] == 0)
                wrong.push_back("token " + token + " for " + user + " was acknowledged and is lost");
        }
    }
}

// "" or what was wrong with it.
std::string recover(const std::string& root) {
    const auto host = MailHost::open(root);
    if (!host) return "recovery failed: " + host.error().describe();
    Status done = (*host)->deliver_all();
    if (done) done = (*host)->retry_deferred();
    if (!done) return "delivery after recovery failed: " + done.error().describe();
    const auto stats = (*host)->stats();
    return stats && stats->recipients == 0 && stats->messages == 0 ? "" : "the queue is not empty after recovery";
}

std::vector<std::string> judge(const std::string& root, const std::vector<std::string>& marks) {
    std::vector<std::string> wrong;
    look(root, wrong);
    const std::string failure = recover(root);
    if (!failure.empty()) wrong.push_back(failure);
    check_delivered(look(root, wrong), marks, wrong);
    return wrong;
}

} // namespace

int main(int argc, char** argv) { return run_states(argc, argv, {mutations, script, judge, {}}); }
