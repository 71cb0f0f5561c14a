// SPDX-License-Identifier: BSD-2-Clause
// Every crash state of a mailbox that is delivered to and read by POP3: what may be on the disk after a power failure
// at each step, and the same with the list of ids lost, or its copy. Mail stays, deleted mail stays deleted, and an id
// a client has seen stays with its message. --without NAME judges the code as if one sync were missing.
//   pop-states [--without NAME] [--random N] [--seed N] [--list] [--steps]
// Last line: "states=N violations=N".
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/base/log.h"
#include "tests/crash/model.h"
#include "tests/crash/pop_host.h"
#include "tests/crash/recorder.h"

using namespace posada;
using namespace posada::crash;

namespace {

// Where the script is: a sync means another thing while QUIT deletes, and before there is a list of ids.
struct Moment {
    bool listed = false;
    bool quitting = false;
};

struct Mutation {
    std::string_view name;
    bool (*missing)(const Event& sync, const std::string& path, const Moment& moment); // this sync is
};

bool ends_with(const std::string& text, std::string_view tail) {
    return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}
bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
bool is_folder(const std::string& path) { return ends_with(path, "/new") || ends_with(path, "/cur"); }

constexpr Mutation mutations[] = {
    {"ids", [](const Event&, const std::string& p, const Moment&) { return holds(p, "dovecot-uidlist"); }},
    {"ids-copy", [](const Event&, const std::string& p, const Moment&) { return holds(p, "posada-uidlist"); }},
    {"ids-name", [](const Event&, const std::string& p, const Moment& m) { return p == "Maildir" && m.listed; }},
    {"expunge", [](const Event&, const std::string& p, const Moment& m) { return is_folder(p) && m.quitting; }},
    {"mail-name", [](const Event&, const std::string& p, const Moment& m) { return is_folder(p) && !m.quitting; }},
    {"mail-data", [](const Event&, const std::string& p, const Moment&) { return holds(p, "/tmp/"); }},
    {"mail-batch", [](const Event& e, const std::string&, const Moment&) { return e.kind == Event::Kind::sync_all; }},
    {"maildir", [](const Event&, const std::string& p, const Moment& m) { return p == "Maildir" && !m.listed; }},
};

// The recording of a program that lacks a sync.
Recording without(const Mutation& mutation, Recording recording) {
    Moment moment;
    std::vector<Event> left;
    for (Event& event : recording.events) {
        const std::string path = recording.paths[event.object];
        moment.listed |= event.kind == Event::Kind::create && holds(path, "dovecot-uidlist.new");
        if (event.kind == Event::Kind::mark) moment.quitting = event.name.rfind("asked ", 0) == 0;
        const bool sync = event.kind == Event::Kind::sync || event.kind == Event::Kind::sync_all;
        if (!sync || !mutation.missing(event, sync && event.kind == Event::Kind::sync ? path : "", moment))
            left.push_back(std::move(event));
    }
    recording.events = std::move(left);
    return recording;
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
        options.print |= name == "--steps";
        if (name == "--steps") continue;
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

class Silence final : public LogSink {
  public:
    void write(const LogEvent&, std::string_view) noexcept override {}
};

Recording record_script(const std::string& root) {
    start_recording(root);
    PopHost host(root, [](const std::string& mark) { record_mark(mark); });
    const Status status = pop_script(host);
    Recording recording = stop_recording();
    if (status) return recording;
    std::fprintf(stderr, "the script itself failed: %s\n", status.error().describe().c_str());
    std::exit(71);
}

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

class Judge {
  public:
    Judge(const CrashModel& model, std::string scratch) : model_(model), scratch_(std::move(scratch)) {}
    void judge(std::size_t point, Unsynced unsynced, std::mt19937& chance) {
        History history;
        for (const std::string& mark : model_.marks_at(point)) history.note(mark);
        const Image image = model_.image_at(point, unsynced, chance);
        one(point, image, history, nullptr);
        one(point, image, history, "dovecot-uidlist");
        one(point, image, history, "posada-uidlist");
    }
    std::size_t states = 0;
    std::size_t violations = 0;

  private:
    void one(std::size_t point, const Image& image, const History& history, const char* lost) {
        ++states;
        std::filesystem::remove_all(scratch_);
        std::filesystem::create_directory(scratch_);
        materialize(image, scratch_);
        if (lost != nullptr && !std::filesystem::remove(scratch_ + "/Maildir/" + lost)) return;
        const std::string wrong = history.judge(scratch_);
        if (wrong.empty()) return;
        if (++violations < 12)
            std::printf("violation after step %zu%s%s: %s\n", point, lost == nullptr ? "" : " without ",
                        lost == nullptr ? "" : lost, wrong.c_str());
    }
    const CrashModel& model_;
    std::string scratch_;
};

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
        std::fprintf(stderr, "usage: pop-states [--without NAME] [--random N] [--seed N] [--list] [--steps]\n");
        return 64;
    }
    Silence silence;
    set_log_sink(&silence);
    ::umask(077);
    char work[] = "/dev/shm/posada-pop-XXXXXX";
    if (::mkdtemp(work) == nullptr) return 71;
    const std::string base(work);
    std::filesystem::create_directory(base + "/run");
    Recording recording = record_script(base + "/run");
    if (options.without != nullptr) recording = without(*options.without, std::move(recording));
    if (options.print) print_steps(recording);
    const CrashModel model(recording, [](const std::string&, bool) { return false; });
    Judge judge(model, base + "/state");
    judge_all(judge, model, options);
    std::filesystem::remove_all(base);
    std::printf("steps=%zu states=%zu violations=%zu\n", model.points() - 1, judge.states, judge.violations);
    return judge.violations == 0 ? 0 : 1;
}
