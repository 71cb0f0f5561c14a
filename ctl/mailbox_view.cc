// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/mailbox_view.h"

#include <fcntl.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/store/uidlist.h"

namespace posada::ctl {

namespace {

std::string_view base_of(std::string_view name) { return name.substr(0, name.find(':')); }

void take_flags(ViewedMessage& message, const store::Keywords& keywords) {
    const std::size_t info = message.name.find(":2,");
    if (info == std::string::npos) return;
    for (const char c : std::string_view(message.name).substr(info + 3)) {
        const std::string_view keyword = keywords.name(c);
        if (c >= 'A' && c <= 'Z') {
            message.flags += c;
        } else if (!keyword.empty()) {
            message.keywords.emplace_back(keyword);
        } else {
            message.unknown_letters += c;
        }
    }
}

Status read_messages(const store::Maildir& maildir, ViewedFolder& out) {
    for (const store::Folder f : {store::Folder::fresh, store::Folder::cur}) {
        auto files = store::list_files(maildir.folder(f), store::folder_name(f));
        if (!files) return files.error();
        for (std::string& file : *files) {
            ViewedMessage message;
            message.name = std::move(file);
            message.folder = f;
            // One that went meanwhile is not there.
            if (::fstatat(maildir.folder(f), message.name.c_str(), &message.st, AT_SYMLINK_NOFOLLOW) != 0) continue;
            take_flags(message, out.keywords);
            out.messages.push_back(std::move(message));
        }
    }
    std::stable_sort(out.messages.begin(), out.messages.end(),
                     [](const auto& a, const auto& b) { return base_of(a.name) < base_of(b.name); });
    for (std::size_t i = 1; i < out.messages.size(); ++i)
        if (base_of(out.messages[i].name) == base_of(out.messages[i - 1].name))
            out.duplicates.push_back(out.messages[i].name);
    return {};
}

Status read_uids(const store::Maildir& maildir, ViewedFolder& out) {
    auto list = store::Uidlist::load(maildir);
    if (!list) return list.error();
    if (!list->exists()) return {};
    out.uidvalidity = list->uidvalidity();
    for (const store::UidEntry& entry : list->entries()) {
        auto at =
            std::lower_bound(out.messages.begin(), out.messages.end(), entry.base(),
                             [](const ViewedMessage& m, std::string_view base) { return base_of(m.name) < base; });
        if (at == out.messages.end() || base_of(at->name) != entry.base()) continue; // removed by another program
        at->uid = entry.uid;
        at->uidl = store::uidlist_field(entry.fields, 'P').value_or("");
        if (at->uidl.empty()) store::append_uidl(at->uidl, entry.uid, out.uidvalidity);
    }
    return {};
}

Result<ViewedFolder> view(store::MailFolder folder, const std::string& path) {
    ViewedFolder out;
    auto maildir = store::Maildir::open(folder_path(path, folder));
    out.folder = std::move(folder);
    if (!maildir) return maildir.error();
    auto keywords = store::Keywords::load(*maildir);
    if (keywords) out.keywords = std::move(*keywords); // a wrong file is for check to tell
    RETURN_IF_ERROR(read_messages(*maildir, out));
    RETURN_IF_ERROR(read_uids(*maildir, out));
    // 0 - 1 is the largest: those without a UID come last.
    std::stable_sort(out.messages.begin(), out.messages.end(),
                     [](const auto& a, const auto& b) { return a.uid - 1 < b.uid - 1; });
    return out;
}

// name: "" = all folders.
Result<std::vector<ViewedFolder>> view_folders(const store::Maildir& mailbox, const std::string& path,
                                               std::string_view name) {
    auto folders = store::list_folders(mailbox);
    if (!folders) return folders.error();
    std::vector<ViewedFolder> out;
    for (store::MailFolder& folder : *folders) {
        const bool inbox = folder.directory.empty();
        if (!name.empty() && (inbox ? !iequals(name, folder.name) : name != folder.name)) continue;
        auto viewed = view(std::move(folder), path);
        if (!viewed) return viewed.error();
        out.push_back(std::move(*viewed));
    }
    if (out.empty()) return Error{Errc::not_found, 0, "no folder '" + escape_for_log(name) + "'"};
    return out;
}

} // namespace

std::string folder_path(const std::string& mailbox, const store::MailFolder& folder) {
    return folder.directory.empty() ? mailbox : mailbox + "/" + folder.directory;
}

Result<std::vector<ViewedFolder>> view_mailbox(const MailboxTask& task) {
    const auto mailbox = store::Maildir::open(task.maildir);
    if (!mailbox) return mailbox.error();
    RETURN_IF_ERROR(confine_to(task, mailbox->root(), -1, false));
    return view_folders(*mailbox, task.maildir, task.folder);
}

} // namespace posada::ctl
