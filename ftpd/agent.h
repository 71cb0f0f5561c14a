// SPDX-License-Identifier: BSD-2-Clause
// The agent of one FTP session: runs as the user who logged in, sees the trees of that user and nothing else, opens
// files and lists directories for the net process. It may block. An upload that is under way when the channel ends has
// broken off.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "ftpd/agent_protocol.h"
#include "ftpd/classes.h"
#include "ftpd/listing_writer.h"
#include "ftpd/options.h"
#include "ftpd/quota.h"
#include "ftpd/tree.h"
#include "ftpd/upload.h"

namespace posada::ftpd {

struct AgentTask {
    std::string top; // the directory that is "/" for this user
    Viewer viewer;
    bool sync = false;
    PartialUploads partial_uploads = PartialUploads::keep;
    bool public_only = false; // only what everybody on this host may read is sent
    std::vector<UploadBox> boxes;
    std::uint64_t quota = 0; // octets; 0: none
};

class FileAgent {
  public:
    explicit FileAgent(AgentTask task, Tree tree)
        : task_(std::move(task)), tree_(std::move(tree)), quota_(tree_, task_.quota) {}
    FileAgent(const FileAgent&) = delete;
    FileAgent& operator=(const FileAgent&) = delete;
    // What is being written has broken off.
    void channel_ended();
    // The whole life of an agent: its exit status.
    static int serve(AgentTask task, priv::Channel channel);

    Result<Entered> on(const EnterRequest& request);
    Result<LookAnswer> on(const LookRequest& request);
    Status on(const ChangeRequest& request);
    Status on(const RoomRequest& request);
    Result<priv::Answered<ReadAnswer>> on(const ReadRequest& request);
    Result<priv::Answered<WriteAnswer>> on(const WriteRequest& request);
    Status on(const FinishRequest& request);
    Result<priv::Answered<Nothing>> on(const ListRequest& request);

  private:
    [[nodiscard]] Status may_see(const std::string& path) const;
    [[nodiscard]] Status may_change(const ChangeRequest& request) const;
    [[nodiscard]] Result<UploadPlan> plan_of(const WriteRequest& request) const;
    Status set_mode(const std::string& path, std::int64_t mode);
    Status set_time(const std::string& path, std::int64_t time);
    Status rename(const std::string& from, const std::string& to);
    static Status remove_directory(const Tree::Place& place);
    void tidy_up(int directory);
    Status remove_file(const Tree::Place& place);
    Status finish(Upload upload, bool complete);

    const AgentTask task_;
    const Tree tree_;
    const Quota quota_;
    std::optional<Upload> upload_;
    std::pair<dev_t, ino_t> tidied_{}; // the directory in which was looked for stale uploads last
};

} // namespace posada::ftpd
