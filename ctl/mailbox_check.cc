// SPDX-License-Identifier: BSD-2-Clause
// What can be wrong in a mailbox, each with what to do about it. Nothing is changed.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/store/mailbox.h"
#include "common/store/maildir_name.h"
#include "common/store/message_measure.h"
#include "common/store/uidlist.h"
#include "common/store/uidlist_lock.h"
#include "ctl/command.h"
#include "ctl/mailbox_command.h"
#include "ctl/mailbox_view.h"

namespace posada::ctl {

namespace {

struct MailboxFinding {
    std::string where; // relative to the mailbox
    std::string text;
    std::string remedy;
};
using Findings = std::vector<MailboxFinding>;

std::string place(const ViewedFolder& folder, std::string_view below) {
    return folder.folder.directory.empty() ? std::string(below) : folder.folder.directory + "/" + std::string(below);
}

std::string place(const ViewedFolder& folder, const ViewedMessage& message) {
    return place(folder, std::string(store::folder_name(message.folder)) + "/" + message.name);
}

Result<store::MessageMeasure> measure(const store::Maildir& maildir, const ViewedMessage& message) {
    const auto opened = store::open_message_file(maildir.folder(message.folder), message.name);
    if (!opened) return opened.error();
    static std::array<char, 64 * 1024> chunk;
    store::MessageMeasure out;
    for (;;) {
        const ssize_t n = ::read(opened->file.get(), chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(message.name);
        if (n == 0) return out;
        out.add({chunk.data(), static_cast<std::size_t>(n)});
    }
}

// Every reader believes the sizes in a name: POP3 clients are told a wrong one then, and IMAP clients cut mails off.
void check_sizes(const store::Maildir& maildir, const ViewedFolder& folder, const ViewedMessage& message,
                 Findings& out) {
    const store::MaildirName name = store::parse_maildir_name(message.name);
    if (!name.size && !name.crlf_size) return;
    const auto measured = measure(maildir, message);
    if (!measured && measured.error().code == Errc::not_found) return; // moved or removed meanwhile
    if (!measured) {
        out.push_back({place(folder, message), "cannot be read: " + measured.error().describe(),
                       "give it to the mailbox's user, mode 0600"});
        return;
    }
    constexpr const char* rename = "rename the file without its S= and W=: readers measure it then";
    if (name.size && *name.size != measured->stored())
        out.push_back({place(folder, message),
                       "S= is wrong: the file has " + std::to_string(measured->stored()) + " octets", rename});
    if (name.crlf_size && *name.crlf_size != measured->with_crlf() && *name.crlf_size != measured->virtual_size())
        out.push_back({place(folder, message),
                       "W= is wrong: with CRLF line ends it has " + std::to_string(measured->with_crlf()) + " octets",
                       rename});
}

void check_owner(const std::string& where, const struct stat& st, mode_t beyond, Findings& out) {
    if (st.st_uid != ::geteuid())
        out.push_back(
            {where, "belongs to uid " + std::to_string(st.st_uid), "chown it to uid " + std::to_string(::geteuid())});
    if ((st.st_mode & beyond) != 0) out.push_back({where, "others may read or change it", "chmod go-rwx"});
    const mode_t own = S_ISDIR(st.st_mode) ? 0700 : 0400;
    if ((st.st_mode & own) != own) out.push_back({where, "its user may not read it", "chmod u+rwX"});
}

void check_messages(const store::Maildir& maildir, const ViewedFolder& folder, Findings& out) {
    for (const ViewedMessage& message : folder.messages) {
        check_owner(place(folder, message), message.st, 0077, out);
        check_sizes(maildir, folder, message, out);
        if (!message.unknown_letters.empty())
            out.push_back({place(folder, message), "keyword letters without a name: " + message.unknown_letters,
                           "restore dovecot-keywords, or rename the file without them"});
    }
    for (const std::string& name : folder.duplicates)
        out.push_back({place(folder, name), "another file has the same base name: one of the two is never shown",
                       "compare them, and rename one"});
}

void check_directories(const store::Maildir& maildir, const ViewedFolder& folder, Findings& out) {
    struct stat st {};
    if (::fstat(maildir.root(), &st) == 0) check_owner(place(folder, "."), st, 0077, out);
    for (const store::Folder f : {store::Folder::tmp, store::Folder::fresh, store::Folder::cur})
        if (::fstat(maildir.folder(f), &st) == 0) check_owner(place(folder, store::folder_name(f)), st, 0077, out);
    const auto files = store::list_files(maildir.folder(store::Folder::tmp), "tmp");
    const UnixTime now = SystemClock().unix_now();
    for (const std::string& file : files ? *files : std::vector<std::string>()) {
        if (::fstatat(maildir.folder(store::Folder::tmp), file.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (now - st.st_mtim.tv_sec > store::stale_after.count())
            out.push_back({place(folder, "tmp/" + file), "a delivery that never ended", "remove it"});
    }
    if (!folder.folder.has_marker)
        out.push_back({place(folder, store::folder_marker), "is missing: delivery agents may take this for a mailbox",
                       "touch it"});
    if (folder.folder.wrong_name)
        out.push_back({folder.folder.directory, "its name is not modified UTF-7", "rename the directory"});
}

void check_lists(const store::Maildir& maildir, const ViewedFolder& folder, Findings& out) {
    const auto keywords = store::Keywords::load(maildir);
    if (!keywords)
        out.push_back({place(folder, store::keywords_name), keywords.error().describe(),
                       "mend the line: a number from 0 to 25, a blank, a name"});
    struct stat lock {};
    const UnixTime now = SystemClock().unix_now();
    if (::fstatat(maildir.root(), store::uidlist_lock_name, &lock, AT_SYMLINK_NOFOLLOW) == 0 &&
        now - lock.st_mtim.tv_sec > store::uidlist_lock_stale.count())
        out.push_back({place(folder, store::uidlist_lock_name), "a lock that nobody refreshes",
                       "nothing: the next who needs it takes it over"});
    const auto list = store::Uidlist::load(maildir);
    if (!list || !list->exists()) return;
    if (list->damaged())
        out.push_back({place(folder, store::uidlist_name), "damaged",
                       "nothing: the next POP3 session brings the UIDs back from posada-uidlist"});
}

int tell(const MailboxTask& task, const Findings& findings) {
    if (!task.json) {
        for (const MailboxFinding& f : findings)
            std::printf("%s: %s; %s\n", escape_for_log(f.where).c_str(), escape_for_log(f.text).c_str(),
                        f.remedy.c_str());
        if (findings.empty()) std::puts("nothing is wrong");
        return findings.empty() ? 0 : exit_failed;
    }
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const MailboxFinding& f : findings)
        list.push_back({{"file", f.where}, {"problem", f.text}, {"remedy", f.remedy}});
    print_json({{"maildir", task.maildir}, {"findings", list}});
    return findings.empty() ? 0 : exit_failed;
}

} // namespace

int check_mailbox(const MailboxTask& task) {
    const auto folders = view_mailbox(task);
    if (!folders) return mailbox_failure(task, folders.error());
    Findings findings;
    for (const ViewedFolder& folder : *folders) {
        const auto maildir = store::Maildir::open(folder_path(task.maildir, folder.folder));
        if (!maildir) return mailbox_failure(task, maildir.error());
        check_directories(*maildir, folder, findings);
        check_messages(*maildir, folder, findings);
        check_lists(*maildir, folder, findings);
    }
    return tell(task, findings);
}

} // namespace posada::ctl
