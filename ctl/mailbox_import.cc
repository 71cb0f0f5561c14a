// SPDX-License-Identifier: BSD-2-Clause
// Two processes, both the user: one opens and locks the source, waits, and takes the locks away however the other
// ends; the other confines itself and reads.
#include <sys/wait.h>

#include <cstdio>

#include "common/base/clock.h"
#include "common/base/fork.h"
#include "common/store/folders.h"
#include "common/store/quota.h"
#include "ctl/command.h"
#include "ctl/mailbox_command.h"
#include "ctl/mailbox_source.h"

namespace posada::ctl {

namespace {

void print_counts(const MailboxTask& task, const store::ImportCounts& c) {
    if (task.json)
        return print_json({{"imported", c.imported},
                           {"octets", c.octets},
                           {"already_there", c.already_there},
                           {"empty", c.empty},
                           {"internal", c.internal},
                           {"uidls_kept", c.uidls_kept},
                           {"uidls_lost", c.uidls_lost},
                           {"keywords_lost", c.keywords_lost}});
    const auto line = [](std::uint64_t n, const char* what) {
        if (n != 0) std::printf("%llu %s\n", static_cast<unsigned long long>(n), what);
    };
    std::printf("%llu imported, %llu octets\n", static_cast<unsigned long long>(c.imported),
                static_cast<unsigned long long>(c.octets));
    line(c.already_there, "were there already, from an earlier import");
    line(c.empty, "were empty and left out");
    line(c.internal, "entry of UW imapd's own notes left out");
    line(c.uidls_kept, "unique ids kept");
    line(c.uidls_lost, "unique ids not kept: another message has them, or this one has been seen by a client");
    line(c.keywords_lost, "keywords not kept: a folder has at most 26");
}

int read_confined(const MailboxTask& task, MailSource& source, const store::Maildir& maildir) {
    if (const Status confined = confine_to(task, maildir.root(), source.directory(), true); !confined)
        return mailbox_failure(task, confined.error());
    const SystemClock clock;
    store::ImportOptions options;
    options.keep_uidl = task.keep_uidl;
    options.keep_keywords = task.keep_keywords;
    options.hostname = task.hostname;
    store::MailImport import(maildir, options, clock);
    Status done = import.start();
    if (done) done = source.read(import, task.quoting);
    const Status stored = import.finish();
    if (done || !stored) done = stored; // the cause
    print_counts(task, import.counts());
    return done ? 0 : mailbox_failure(task, done.error());
}

} // namespace

int import_mail(const MailboxTask& task) {
    auto source = MailSource::open(task.source);
    if (!source) return mailbox_failure(task, source.error());
    const std::string folder(task.folder.empty() ? store::inbox_name : std::string_view(task.folder));
    auto maildir = store::open_or_create_folder(task.maildir, folder);
    if (!maildir) return mailbox_failure(task, maildir.error());
    const auto child = fork_process([&] {
        const int status = read_confined(task, *source, *maildir);
        return std::fflush(stdout) == 0 ? status : exit_system;
    });
    if (!child) return mailbox_failure(task, child.error());
    const int status = wait_for(*child);
    // What the mailbox and all its folders hold is counted again by the next delivery.
    if (const auto root = store::Maildir::open(task.maildir)) store::forget_quota(*root);
    return mailbox_child_status(task, status);
}

} // namespace posada::ctl
