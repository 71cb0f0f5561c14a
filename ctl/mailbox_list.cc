// SPDX-License-Identifier: BSD-2-Clause
#include <cstdio>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/mailbox_command.h"
#include "ctl/mailbox_view.h"

namespace posada::ctl {

namespace {

using nlohmann::ordered_json;

ordered_json describe(const ViewedMessage& message) {
    ordered_json out{{"uid", nullptr},
                     {"uidl", nullptr},
                     {"new", message.folder == store::Folder::fresh},
                     {"flags", message.flags},
                     {"keywords", message.keywords},
                     {"size", message.st.st_size},
                     {"received", iso8601(message.st.st_mtim.tv_sec)},
                     {"file", message.name}};
    if (message.uid == 0) return out;
    out["uid"] = message.uid;
    out["uidl"] = message.uidl;
    return out;
}

ordered_json describe(const ViewedFolder& folder) {
    ordered_json messages = ordered_json::array();
    for (const ViewedMessage& message : folder.messages) messages.push_back(describe(message));
    return {{"name", folder.folder.name},
            {"directory", folder.folder.directory},
            {"subscribed", folder.folder.subscribed},
            {"uidvalidity", folder.uidvalidity},
            {"messages", messages}};
}

// What a terminal may be shown: names may hold anything.
std::string shown(std::string_view text) {
    return is_valid_utf8(text) && !has_control(text) ? std::string(text) : escape_for_log(text);
}

void print(const ViewedFolder& folder) {
    std::printf("%s: %zu messages%s\n", shown(folder.folder.name).c_str(), folder.messages.size(),
                folder.folder.subscribed ? ", subscribed" : "");
    for (const ViewedMessage& message : folder.messages) {
        std::string keywords;
        for (const std::string& keyword : message.keywords) keywords += " " + keyword;
        const std::string uid = message.uid == 0 ? "-" : std::to_string(message.uid);
        std::printf("%8s  %-6s %10lld  %s  %s%s\n", uid.c_str(),
                    message.folder == store::Folder::fresh ? "new" : message.flags.c_str(),
                    static_cast<long long>(message.st.st_size), iso8601(message.st.st_mtim.tv_sec).c_str(),
                    shown(message.name).c_str(), shown(keywords).c_str());
    }
}

} // namespace

int list_mailbox(const MailboxTask& task) {
    const auto folders = view_mailbox(task);
    if (!folders) return mailbox_failure(task, folders.error());
    ordered_json out = ordered_json::array();
    for (const ViewedFolder& folder : *folders) {
        if (task.json) {
            out.push_back(describe(folder));
        } else {
            print(folder);
        }
    }
    if (task.json) print_json({{"maildir", task.maildir}, {"folders", out}});
    return 0;
}

} // namespace posada::ctl
