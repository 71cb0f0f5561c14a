// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/states_run.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/base/exit_code.h"
#include "tests/crash/model.h"
#include "tests/crash/scratch.h"

namespace posada::crash {

namespace {

struct Options {
    bool list = false;
    bool print = false;
    const Mutation* without = nullptr;
    unsigned random = 2;
    unsigned seed = 1;
};

bool parse(int argc, char** argv, const StatesTest& test, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        options.list |= name == "--list";
        options.print |= name == "--steps";
        if (name == "--list" || name == "--steps") continue;
        if (++i >= argc) return false;
        if (name == "--random") options.random = static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10));
        if (name == "--seed") options.seed = static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10));
        if (name != "--without") continue;
        for (const Mutation& m : test.mutations)
            if (m.name == argv[i]) options.without = &m;
        if (options.without == nullptr) return false;
    }
    return true;
}

std::string path_of(const Recording& recording, const Event& event) {
    const auto path = recording.paths.find(event.object);
    return event.kind == Event::Kind::sync_all || path == recording.paths.end() ? "" : path->second;
}

// The recording of a program that lacks a sync.
Recording without(const Mutation& mutation, Recording recording) {
    std::vector<Event> left;
    for (Event& event : recording.events) {
        const bool missing = mutation.missing(event, path_of(recording, event));
        const bool sync = event.kind == Event::Kind::sync || event.kind == Event::Kind::sync_all;
        if (!sync || !missing) left.push_back(std::move(event));
    }
    recording.events = std::move(left);
    return recording;
}

void print_steps(const Recording& recording) {
    constexpr const char* kinds[] = {"create",   "mkdir", "erase",    "move", "write",
                                     "truncate", "sync",  "sync-all", "mark"};
    for (std::size_t i = 0; i < recording.events.size(); ++i) {
        const Event& e = recording.events[i];
        std::printf("%4zu %-8s %s %s @%llu+%zu\n", i + 1, kinds[static_cast<unsigned>(e.kind)], e.name.c_str(),
                    path_of(recording, e).c_str(), static_cast<unsigned long long>(e.offset), e.data.size());
    }
}

class Judge {
  public:
    Judge(const StatesTest& test, const CrashModel& model, const Scratch& scratch, unsigned seed)
        : test_(test), model_(model), scratch_(scratch), chance_(seed) {}
    void all(unsigned random);
    void until_violation();
    std::size_t states = 0;
    std::size_t violations = 0;

  private:
    void judge(std::size_t point, Unsynced unsynced);
    void judge(std::size_t point, const Image& image, const std::string& lost);

    const StatesTest& test_;
    const CrashModel& model_;
    const Scratch& scratch_;
    std::mt19937 chance_;
};

void Judge::judge(std::size_t point, const Image& image, const std::string& lost) {
    constexpr std::size_t most_printed = 12;
    ++states;
    const std::string root = scratch_.fresh("state");
    materialize(image, root);
    if (!lost.empty() && !std::filesystem::remove(root + "/" + lost)) return;
    const std::vector<std::string> wrong = test_.judge(root, model_.marks_at(point));
    if (wrong.empty() || ++violations > most_printed) return;
    for (const std::string& what : wrong)
        std::printf("violation after step %zu%s%s: %s\n", point, lost.empty() ? "" : " without ", lost.c_str(),
                    what.c_str());
}

void Judge::judge(std::size_t point, Unsynced unsynced) {
    const Image image = model_.image_at(point, unsynced, chance_);
    judge(point, image, "");
    for (const std::string& lost : test_.losses) judge(point, image, lost);
}

void Judge::all(unsigned random) {
    for (std::size_t point = 0; point < model_.points(); ++point) {
        judge(point, Unsynced::lost);
        judge(point, Unsynced::kept);
        for (unsigned n = 0; n < random; ++n) judge(point, Unsynced::random);
    }
}

// A missing sync is looked for in the plainest states first, and one violation is enough.
void Judge::until_violation() {
    for (const Unsynced unsynced : {Unsynced::lost, Unsynced::random})
        for (std::size_t point = 0; point < model_.points() && violations == 0; ++point) judge(point, unsynced);
}

Result<Recording> record(const StatesTest& test, const Scratch& scratch) {
    const std::string root = scratch.fresh("run");
    start_recording(root);
    const Status status = test.script(root);
    Recording recording = stop_recording();
    if (!status) return status.error();
    return recording;
}

int run(const StatesTest& test, const Options& options) {
    const Scratch scratch;
    auto recording = record(test, scratch);
    if (!recording) {
        std::fprintf(stderr, "the script itself failed: %s\n", recording.error().describe().c_str());
        return exit_system;
    }
    if (options.without != nullptr) *recording = without(*options.without, std::move(*recording));
    if (options.print) print_steps(*recording);
    const CrashModel model(*recording);
    Judge judge(test, model, scratch, options.seed);
    if (options.without != nullptr) {
        judge.until_violation();
    } else {
        judge.all(options.random);
    }
    std::printf("steps=%zu states=%zu violations=%zu\n", model.points() - 1, judge.states, judge.violations);
    return judge.violations == 0 ? 0 : 1;
}

} // namespace

int run_states(int argc, char** argv, const StatesTest& test) {
    Options options;
    if (!parse(argc, argv, test, options)) {
        std::fprintf(stderr, "usage: %s [--without NAME] [--random N] [--seed N] [--list] [--steps]\n", argv[0]);
        return exit_usage;
    }
    if (!options.list) return run(test, options);
    for (const Mutation& m : test.mutations) std::printf("%s\n", m.name.data());
    return 0;
}

} // namespace posada::crash
