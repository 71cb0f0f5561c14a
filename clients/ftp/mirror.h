// SPDX-License-Identifier: BSD-2-Clause
// `mirror`: makes a directory here as one on the server is, or the other way about. What a server says of its files is
// believed as far as names, sizes and times go: no name leads out of the directory, no link is followed or made, and
// neither depth nor number of what it lists is without end.
#pragma once

#include <atomic>

#include "clients/ftp/crew.h"
#include "clients/ftp/local_folder.h"
#include "clients/ftp/mirror_plan.h"

namespace posada::ftp {

constexpr unsigned max_mirror_depth = 100;
constexpr std::uint64_t max_mirror_entries = 10'000'000;
constexpr unsigned max_connections = 16;

struct MirrorOrder {
    bool reverse = false; // to the server
    bool dry_run = false;
    bool resume = false; // uploads of which a beginning may be there
    unsigned connections = 1;
    MirrorRules rules;
    std::string remote;
    std::string local;
};

// Errc::invalid, with what is wrong, of "mirror [options] [source [target]]".
Result<MirrorOrder> parse_mirror(const Words& words);

class Mirror {
  public:
    Mirror(Client& client, MirrorOrder order);
    Exit run();

  private:
    using Folder = std::shared_ptr<const LocalFolder>;
    struct Place {
        std::string remote;
        Folder local;         // nullptr: not there, and must not be made
        bool missing = false; // the target was not there
        unsigned depth = 0;
        std::vector<std::string> above; // what MLSD calls the directories that this one is in
        [[nodiscard]] std::string path(const std::string& name) const;
    };
    struct Task {
        Folder local;
        std::string path; // there
        std::string part; // here, until it is whole
        Plan::File file;
    };
    struct Sides {
        Listing source;
        Listing target;
    };
    // mirror.cc: which directories, and what in them
    Result<Place> top();
    void walk(const Place& place);
    Result<Plan> plan(const Place& place, std::string& ending);
    Result<Sides> list_sides(const Place& place);
    void learn_times(const Place& place, Sides& sides);
    void show_left_out(const Place& place, const Plan& plan, const Listing& source);
    void enter(const Place& place, const Plan::Folder& folder);
    Result<Place> child(const Place& place, const Plan::Folder& folder);
    void remove(const Place& place, const Entry& entry);
    void move(const Place& place, const Plan::File& file, const std::string& ending);
    Exit trouble(Client& client, const std::string& path, const Error& error);
    void tell_made(const std::string& path);
    void say(const std::string& text) const;
    void sum_up() const;
    [[nodiscard]] bool over();
    // mirror_files.cc: how; with any of the connections
    Exit run_task(Client& client, const Task& task);
    static Result<Moved> fetch(Client& client, const Task& task);
    Result<Moved> store(Client& client, const Task& task) const;
    Status make_remote(const std::string& path);
    Status remove_remote(const std::string& path, const Entry& entry, unsigned depth);

    Client& client_;
    const MirrorOrder order_;
    const bool verbose_;
    const Quiet quiet_;
    std::uint64_t entries_ = 0;
    std::uint64_t same_ = 0, made_ = 0, removed_ = 0;
    std::atomic<std::uint64_t> moved_{0}, octets_{0};
    Crew crew_; // its jobs use all of the above
};

} // namespace posada::ftp
