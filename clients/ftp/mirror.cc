// SPDX-License-Identifier: BSD-2-Clause
// The walk through the tree: what is where, what has to be done, and what is not done.
#include "clients/ftp/mirror.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "clients/ftp/progress.h"

namespace posada::ftp {

std::string Mirror::Place::path(const std::string& name) const {
    if (remote.empty()) return name;
    return remote.ends_with('/') ? remote + name : remote + "/" + name;
}

Mirror::Mirror(Client& client, MirrorOrder order)
    : client_(client), order_(std::move(order)), verbose_(client.settings.verbose), quiet_(client),
      crew_(client, order_.dry_run ? 0 : order_.connections - 1) {}

bool Mirror::over() { return crew_.stopped() || !client_.server; }

void Mirror::say(const std::string& text) const {
    if (verbose_) client_.screen.line(text);
}

Exit Mirror::trouble(Client& client, const std::string& path, const Error& error) {
    if (error.sys == EINTR) crew_.stop();
    const std::string name = path.empty() ? "." : path;
    // What the server said stands there already, but not of what.
    if (error.code == Errc::denied && error.sys == 0) client.screen.trouble("ftp: " + name + " was refused");
    return fail(client, about(name, error));
}

// What LIST says of times is a guess; where the sizes are the same the time decides, and MDTM knows it.
void Mirror::learn_times(const Place& place, Sides& sides) {
    Listing& remote = order_.reverse ? sides.target : sides.source;
    const Listing& local = order_.reverse ? sides.source : sides.target;
    if (!remote.from_list || !client_.server->has("MDTM")) return;
    std::map<std::string_view, const Entry*> here;
    for (const Entry& entry : local.entries) here.emplace(entry.name, &entry);
    for (Entry& entry : remote.entries) {
        const auto found = here.find(entry.name);
        if (over() || found == here.end() || found->second->size != entry.size || entry.kind != Kind::file) continue;
        const auto time = remote_time(client_, place.path(entry.name), Show::nothing);
        if (time) entry.modified = time;
        entry.exact = time.has_value();
    }
}

Result<Mirror::Sides> Mirror::list_sides(const Place& place) {
    const bool ask = !order_.reverse || !place.missing;
    auto there = ask ? read_folder(client_, place.remote) : Result<Listing>(Listing{});
    if (!there) return there.error();
    auto here = place.local ? place.local->list() : Result<Listing>(Listing{});
    if (!here) return here.error();
    Sides sides{std::move(*there), std::move(*here)};
    if (order_.reverse) std::swap(sides.source, sides.target);
    entries_ += sides.source.entries.size() + sides.target.entries.size();
    if (entries_ > max_mirror_entries) {
        crew_.stop();
        return Error{Errc::invalid, 0, "the directories do not end"};
    }
    learn_times(place, sides);
    return sides;
}

void Mirror::show_left_out(const Place& place, const Plan& plan, const Listing& source) {
    for (const Entry& entry : plan.left_out)
        say("left out: " + place.path(entry.name) + (entry.kind == Kind::link ? " is a link" : " is no file"));
    for (const Entry& entry : plan.in_the_way)
        client_.screen.trouble("ftp: " + place.path(entry.name) + ": " + (order_.reverse ? "there" : "here") +
                               " that is a " + kind_name(entry.kind) + "; --delete takes it away");
    for (const std::string& name : source.refused) show_refused(client_, name);
    if (!source.refused.empty() && order_.rules.remove)
        client_.screen.trouble("ftp: nothing is deleted in " + place.path("") + ": not all of its names are known");
    if (!plan.in_the_way.empty() || !source.refused.empty()) crew_.note(Exit::command);
}

void Mirror::remove(const Place& place, const Entry& entry) {
    const std::string path = place.path(entry.name);
    if (order_.dry_run) return say("would delete " + path);
    const Status removed = order_.reverse ? remove_remote(path, entry, 0) : place.local->remove(entry.name);
    if (!removed) return crew_.note(trouble(client_, path, removed.error()));
    ++removed_;
    say("deleted " + path);
}

// ".part", as often as it takes for no part to have the name of a file of the source, nor two parts the same.
static std::string part_ending(const Listing& source) {
    constexpr std::string_view ending = ".part";
    std::size_t most = 0;
    for (const Entry& entry : source.entries) {
        std::size_t count = 0;
        for (std::string_view rest = entry.name; rest.ends_with(ending); ++count) rest.remove_suffix(ending.size());
        most = std::max(most, count);
    }
    std::string out(ending);
    for (std::size_t i = 0; i < most; ++i) out += ending;
    return out;
}

void Mirror::move(const Place& place, const Plan::File& file, const std::string& ending) {
    const std::string path = place.path(file.source.name);
    if (order_.dry_run) return say((order_.reverse ? "would store " : "would fetch ") + path);
    Task task{place.local, path, file.source.name + ending, file};
    crew_.give([this, task = std::move(task)](Client& client) { return run_task(client, task); });
}

void Mirror::tell_made(const std::string& path) {
    say((order_.dry_run ? "would make " : "made ") + path);
    ++made_;
}

Result<Mirror::Place> Mirror::child(const Place& place, const Plan::Folder& folder) {
    const std::string& name = folder.source.name;
    Place out{place.path(name), nullptr, folder.missing, place.depth + 1, place.above};
    if (!folder.source.unique.empty()) out.above.push_back(folder.source.unique);
    if (out.depth > max_mirror_depth) return Error{Errc::invalid, 0, "too deep"};
    const bool make = folder.missing && !order_.dry_run;
    if (order_.reverse && make) RETURN_IF_ERROR(make_remote(out.remote));
    if (!order_.reverse && folder.missing && !make) return out;
    auto local = place.local->enter(name, make && !order_.reverse);
    if (!local) return local.error();
    out.local = std::make_shared<const LocalFolder>(std::move(*local));
    return out;
}

void Mirror::enter(const Place& place, const Plan::Folder& folder) {
    const std::string path = place.path(folder.source.name);
    const auto& unique = folder.source.unique;
    if (!unique.empty() && std::find(place.above.begin(), place.above.end(), unique) != place.above.end()) {
        client_.screen.trouble("ftp: " + path + " is a directory that it is in itself");
        return crew_.note(Exit::command);
    }
    auto inside = child(place, folder);
    if (inside && folder.missing) tell_made(path);
    if (!inside) return crew_.note(trouble(client_, path, inside.error()));
    walk(*inside);
}

Result<Plan> Mirror::plan(const Place& place, std::string& ending) {
    const auto sides = list_sides(place);
    if (!sides) return sides.error();
    Plan out = plan_folder(sides->source, sides->target, order_.rules);
    ending = part_ending(sides->source);
    show_left_out(place, out, sides->source);
    same_ += out.same;
    return out;
}

void Mirror::walk(const Place& place) {
    std::string ending;
    const auto todo = plan(place, ending); // what was listed has been let go of before the next level is listed
    if (!todo) return crew_.note(trouble(client_, place.remote, todo.error()));
    for (const Entry& entry : todo->remove)
        if (!over()) remove(place, entry);
    for (const Plan::File& file : todo->move)
        if (!over()) move(place, file, ending);
    for (const Plan::Folder& folder : todo->enter)
        if (!over()) enter(place, folder);
}

Result<Mirror::Place> Mirror::top() {
    Place place;
    place.remote = order_.remote;
    const bool there = order_.reverse || ::access(order_.local.c_str(), F_OK) == 0;
    if (there || !order_.dry_run) {
        auto local = LocalFolder::open(order_.local, !there);
        if (!local) return local.error();
        place.local = std::make_shared<const LocalFolder>(std::move(*local));
    }
    if (!order_.reverse || order_.remote.empty()) return place;
    // LIST may show nothing of a directory that is not there: MKD says more.
    const bool make = !order_.dry_run;
    if (!make && !lists_facts(*client_.server)) return place;
    const auto asked = client_.server->control.command((make ? "MKD " : "MLST ") + order_.remote, Show::nothing);
    if (!asked) return asked.error();
    place.missing = make == asked->ok();
    if (place.missing) tell_made(place.remote);
    return place;
}

static std::string count(std::uint64_t number, const std::string& singular, const std::string& plural) {
    return std::to_string(number) + " " + (number == 1 ? singular : plural);
}

void Mirror::sum_up() const {
    if (order_.dry_run) return;
    say(count(moved_, "file", "files") + (order_.reverse ? " stored (" : " fetched (") + short_size(octets_) + "), " +
        std::to_string(same_) + " as before, " + count(made_, "directory", "directories") + " made, " +
        std::to_string(removed_) + " deleted");
}

Exit Mirror::run() {
    if (order_.rules.remove && !order_.reverse && !lists_facts(*client_.server))
        return fail(client_, Error{Errc::invalid, 0, "a server without MLSD does not say enough to --delete by it"});
    const bool there = ::access(order_.local.c_str(), F_OK) == 0;
    auto place = top();
    if (!place) return trouble(client_, order_.local, place.error());
    walk(*place);
    const Exit exit = crew_.finish();
    if (exit != Exit::ok && !there) ::rmdir(order_.local.c_str()); // nothing has come: only then it works
    sum_up();
    return exit;
}

} // namespace posada::ftp
