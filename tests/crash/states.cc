// SPDX-License-Identifier: BSD-2-Clause
// Every crash state of a scripted run: records what queue and mailbox writer do to the disk, cuts the power after each
// step, rebuilds what may then be on the disk, recovers with the real code, and counts. With --without NAME the run is
// judged as if one sync were missing from the code: that must be noticed, or the test proves nothing.
//   states [--without NAME] [--random N] [--seed N] [--list] [--steps]
// Last line: "states=N violations=N".
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>

#include "common/base/log.h"
#include "tests/crash/mail_host.h"
#include "tests/crash/model.h"
#include "tests/crash/recorder.h"

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

struct Mutation {
    std::string_view name;
    std::string_view what; // the sync that is missing
    bool (*ignored)(const std::string& path, bool all);
};

bool ends_with(const std::string& text, std::string_view tail) {
    return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}
bool is_mail_data(const std::string& path) { return path.find("/tmp/") != std::string::npos; }

constexpr Mutation mutations[] = {
    {"log", "fdatasync of spool.db-wal at each commit",
     [](const std::string& p, bool) { return ends_with(p, "spool.db-wal"); }},
    {"database", "fsync of spool.db at a checkpoint",
     [](const std::string& p, bool) { return ends_with(p, "spool.db"); }},
    {"spool-names", "fsync of the spool's directory", [](const std::string& p, bool) { return p == "state"; }},
    {"body", "fdatasync of a large body",
     [](const std::string& p, bool) { return p.find("bodies/") != std::string::npos; }},
    {"body-name", "fsync of bodies/", [](const std::string& p, bool) { return ends_with(p, "/bodies"); }},
    {"mail-data", "fsync of a message in tmp/", [](const std::string& p, bool) { return is_mail_data(p); }},
    {"mail-batch", "syncfs for a batch in tmp/", [](const std::string&, bool all) { return all; }},
    {"mail-name", "fsync of new/", [](const std::string& p, bool) { return ends_with(p, "/new"); }},
    {"maildir", "fsync of a new Maildir and its parent",
     [](const std::string& p, bool) { return p.empty() || p == "daniel" || p == "lir"; }},
};

Status script(MailHost& host) {
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

class Judge {
  public:
    Judge(const CrashModel& model, std::string scratch) : model_(model), scratch_(std::move(scratch)) {}
    void judge(std::size_t point, Unsynced unsynced, std::mt19937& chance);
    std::size_t states = 0;
    std::size_t violations = 0;

  private:
    bool check(bool condition, std::size_t point, const std::string& what) {
        if (condition) return true;
        if (violations < 12) std::printf("violation after step %zu: %s\n", point, what.c_str());
        return false;
    }
    bool recover(const std::string& directory, std::size_t point);
    bool check_mailboxes(const std::string& directory, std::size_t point, bool after_recovery);
    static unsigned token_of(const std::string& text);

    const CrashModel& model_;
    std::string scratch_;
};

unsigned Judge::token_of(const std::string& text) {
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

bool Judge::check_mailboxes(const std::string& directory, std::size_t point, bool after_recovery) {
    bool good = true;
    std::map<std::pair<std::string, unsigned>, unsigned> found; // whose, token
    std::set<unsigned> reports;
    for (const std::string user : {"daniel", "lir"}) {
        const std::filesystem::path fresh = directory + "/" + user + "/new";
        if (!std::filesystem::exists(fresh)) continue;
        for (const auto& entry : std::filesystem::directory_iterator(fresh)) {
            const std::string text = *read_file(entry.path(), 1 << 20);
            const unsigned token = token_of(text);
            const Mail* mail = mail_of(token);
            const bool report = text.rfind("Return-Path: <>\n", 0) == 0 && ends_with(text, "--\n");
            if (report) reports.insert(token);
            if (!report) ++found[{user, token}];
            good &= check(report || (mail != nullptr && text == MailHost::stored_form(token, mail->size, sender)),
                          point, user + " has a half-written message: " + entry.path().filename().string());
        }
    }
    for (const auto& [key, count] : found)
        good &= check(count == 1, point, key.first + " has token " + std::to_string(key.second) + " twice");
    if (!after_recovery) return good;
    for (const std::string& mark : model_.marks_at(point)) {
        if (mark.rfind("ack ", 0) != 0) continue;
        const Mail* mail = mail_of(static_cast<unsigned>(std::strtoul(mark.c_str() + 4, nullptr, 10)));
        for (const std::string& user : mail->users) {
            if (user == "gone")
                good &=
                    check(reports.count(mail->token) != 0, point, "no report for token " + std::to_string(mail->token));
            else
                good &=
                    check(found[{owner_of(user), mail->token}] != 0, point,
                          "token " + std::to_string(mail->token) + " for " + user + " was acknowledged and is lost");
        }
    }
    return good;
}

bool Judge::recover(const std::string& directory, std::size_t point) {
    auto host = MailHost::open(directory);
    if (!check(host.ok(), point, host ? "" : "recovery failed: " + host.error().describe())) return false;
    Status done = (*host)->deliver_all();
    if (done) done = (*host)->retry_deferred();
    if (!check(done.ok(), point, done ? "" : "delivery after recovery failed: " + done.error().describe()))
        return false;
    auto stats = (*host)->stats();
    return check(stats && stats->recipients == 0 && stats->messages == 0, point,
                 "the queue is not empty after recovery");
}

void Judge::judge(std::size_t point, Unsynced unsynced, std::mt19937& chance) {
    ++states;
    std::filesystem::remove_all(scratch_);
    std::filesystem::create_directory(scratch_);
    materialize(model_.image_at(point, unsynced, chance), scratch_);
    bool good = check_mailboxes(scratch_, point, false);
    good = recover(scratch_, point) && good;
    good = check_mailboxes(scratch_, point, true) && good;
    if (!good) ++violations;
}

Recording record_script(const std::string& root) {
    start_recording(root);
    Status status;
    {
        auto host = MailHost::open(root);
        status = host ? script(**host) : Status(host.error());
    }
    Recording recording = stop_recording();
    if (status) return recording;
    std::fprintf(stderr, "the script itself failed: %s\n", status.error().describe().c_str());
    std::exit(71);
}

class Silence final : public LogSink {
  public:
    void write(const LogEvent&, std::string_view) noexcept override {}
};

void print_steps(const Recording& recording) {
    constexpr const char* kinds[] = {"create",   "mkdir", "erase",    "move", "write",
                                     "truncate", "sync",  "sync-all", "mark"};
    for (std::size_t i = 0; i < recording.events.size(); ++i) {
        const Event& e = recording.events[i];
        const auto path = recording.paths.find(e.object);
        std::printf("%4zu %-8s %s %s @%llu+%zu\n", i + 1, kinds[static_cast<unsigned>(e.kind)], e.name.c_str(),
                    path == recording.paths.end() ? "" : path->second.c_str(),
                    static_cast<unsigned long long>(e.offset), e.data.size());
    }
}

struct Options {
    bool print = false;
    const Mutation* without = nullptr;
    unsigned random = 2;
    unsigned seed = 1;
};

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--list") {
            for (const Mutation& m : mutations) std::printf("%s\n", m.name.data());
            std::exit(0);
        }
        if (name == "--steps") {
            options.print = true;
            continue;
        }
        if (++i >= argc) return false;
        if (name == "--random") options.random = static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10));
        if (name == "--seed") options.seed = static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10));
        if (name != "--without") continue;
        for (const Mutation& m : mutations)
            if (m.name == argv[i]) options.without = &m;
        if (options.without == nullptr) return false;
    }
    return true;
}

// A missing sync is looked for in the plainest states first, and one violation is enough.
void judge_all(Judge& judge, const CrashModel& model, const Options& options) {
    std::mt19937 chance(options.seed);
    const bool mutation = options.without != nullptr;
    for (std::size_t point = 0; point < model.points(); ++point) {
        judge.judge(point, Unsynced::lost, chance);
        if (mutation && judge.violations != 0) return;
        if (!mutation) judge.judge(point, Unsynced::kept, chance);
        for (unsigned n = 0; n < options.random && !mutation; ++n) judge.judge(point, Unsynced::random, chance);
    }
    for (std::size_t point = 0; mutation && judge.violations == 0 && point < model.points(); ++point)
        judge.judge(point, Unsynced::random, chance);
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::fprintf(stderr, "usage: states [--without NAME] [--random N] [--seed N] [--list] [--steps]\n");
        return 64;
    }
    Silence silence;
    set_log_sink(&silence);
    ::umask(077);
    char work[] = "/dev/shm/posada-crash-XXXXXX"; // memory: thousands of recoveries, and nothing of it must last
    if (::mkdtemp(work) == nullptr) return 71;
    const std::string base(work);
    std::filesystem::create_directory(base + "/run");
    const Recording recording = record_script(base + "/run");
    if (options.print) print_steps(recording);
    const CrashModel model(recording, [&](const std::string& path, bool all) {
        return options.without != nullptr && options.without->ignored(path, all);
    });
    Judge judge(model, base + "/state");
    judge_all(judge, model, options);
    std::filesystem::remove_all(base);
    std::printf("steps=%zu states=%zu violations=%zu\n", model.points() - 1, judge.states, judge.violations);
    return judge.violations == 0 ? 0 : 1;
}
