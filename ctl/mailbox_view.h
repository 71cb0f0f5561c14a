// SPDX-License-Identifier: BSD-2-Clause
// A folder as it lies on disk, for `posada mailbox list` and `check`: looked at, never changed, no lock taken.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/store/folders.h"
#include "common/store/keywords.h"
#include "common/store/maildir.h"
#include "ctl/mailbox_command.h"

namespace posada::ctl {

struct ViewedMessage {
    std::string name;
    store::Folder folder = store::Folder::fresh;
    std::uint32_t uid = 0; // 0 = the next session gives one
    std::string uidl;      // "" without uid
    std::string flags;     // letters of the system flags
    std::vector<std::string> keywords;
    std::string unknown_letters; // keywords without a name
    struct stat st {};
};

struct ViewedFolder {
    store::MailFolder folder;
    std::uint32_t uidvalidity = 0; // 0 = there is no uidlist
    store::Keywords keywords;
    std::vector<ViewedMessage> messages; // by uid, those without last
    std::vector<std::string> duplicates; // files whose message has another file too
};

std::string folder_path(const std::string& mailbox, const store::MailFolder& folder);

// The folders of the task's mailbox, or the one it names. Opens it, and from there on the process is confined to it.
Result<std::vector<ViewedFolder>> view_mailbox(const MailboxTask& task);

} // namespace posada::ctl
