// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/mailbox_command.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "common/base/fork.h"
#include "common/base/text.h"
#include "common/priv/drop.h"
#include "common/service/config/config.h"
#include "common/service/login/account_apart.h"
#include "ctl/command.h"
#include "ctl/sections.h"

namespace posada::ctl {

namespace {

constexpr std::string_view usage =
    "usage: posada mailbox import [--folder NAME] [--keep-uidl] [--keep-keywords] [--quoting mboxrd|mboxo|none] "
    "MBOX|-|MAILDIR\n"
    "       posada mailbox list [--folder NAME]\n"
    "       posada mailbox check [--folder NAME]\n"
    "each with [--user NAME] [--maildir DIR] [--json] [--config FILE]; root names the user whose mailbox it is";

Error wrong(std::string text) { return Error{Errc::invalid, 0, std::move(text)}; }

Status take_quoting(MailboxTask& out, std::string_view value) {
    if (value == "mboxrd") {
        out.quoting = store::MboxQuoting::mboxrd;
    } else if (value == "mboxo") {
        out.quoting = store::MboxQuoting::mboxo;
    } else if (value == "none") {
        out.quoting = store::MboxQuoting::none;
    } else {
        return wrong("--quoting: mboxrd, mboxo or none is expected");
    }
    return {};
}

// True: it was one that takes a value.
Result<bool> take_value(MailboxTask& out, std::string_view option, std::optional<std::string_view> value) {
    std::string* const target = option == "--user"      ? &out.user
                                : option == "--config"  ? &out.config
                                : option == "--maildir" ? &out.maildir
                                : option == "--folder"  ? &out.folder
                                                        : nullptr;
    if (target == nullptr && option != "--quoting") return false;
    if (!value || value->empty()) return wrong(std::string(option) + " needs a value");
    if (target == nullptr) {
        RETURN_IF_ERROR(take_quoting(out, *value));
    } else {
        *target = *value;
    }
    return true;
}

Status take_word(MailboxTask& out, std::string_view word) {
    if (word == "--json") {
        out.json = true;
    } else if (word == "--keep-uidl" && out.verb == "import") {
        out.keep_uidl = true;
    } else if (word == "--keep-keywords" && out.verb == "import") {
        out.keep_keywords = true;
    } else if (word.starts_with("--")) {
        return wrong("unknown argument '" + escape_for_log(word) + "'");
    } else if (out.verb != "import" || !out.source.empty()) {
        return wrong("unexpected '" + escape_for_log(word) + "'");
    } else {
        out.source = word;
    }
    return {};
}

Result<MailboxTask> parse_arguments(std::span<const std::string_view> args) {
    MailboxTask out;
    if (!args.empty()) out.verb = args[0];
    if (out.verb != "import" && out.verb != "list" && out.verb != "check")
        return wrong("import, list or check is expected");
    for (std::size_t i = 1; i < args.size(); ++i) {
        const auto next = i + 1 < args.size() ? std::optional(args[i + 1]) : std::nullopt;
        const auto taken = take_value(out, args[i], next);
        if (!taken) return taken.error();
        if (*taken) {
            ++i;
        } else {
            RETURN_IF_ERROR(take_word(out, args[i]));
        }
    }
    if (out.verb == "import" && out.source.empty()) return wrong("an mbox, a Maildir, or - is expected");
    return out;
}

Result<auth::Account> account_of(const MailboxTask& task, const service::CommonOptions& options) {
    if (!task.user.empty()) {
        auth::AccountSources sources;
        const auto& backends = options.auth.backends;
        sources.users_file = options.paths.users_file;
        sources.unix_accounts = std::find(backends.begin(), backends.end(), "pam") != backends.end();
        sources.first_valid_uid = options.auth.first_valid_uid;
        return service::find_account_apart(auth::login_name(task.user, options.mail.domains), sources);
    }
    if (::geteuid() == 0) return wrong("--user NAME says whose mailbox; root has none");
    auth::Account own;
    own.uid = ::geteuid();
    own.gid = ::getegid();
    if (!task.maildir.empty()) return own;
    const passwd* entry = ::getpwuid(own.uid);
    if (entry == nullptr) return Error{Errc::not_found, 0, "no account has our uid: give --maildir"};
    own.home = entry->pw_dir;
    return own;
}

int run_task(const MailboxTask& task) {
    if (task.verb == "import") return import_mail(task);
    return task.verb == "list" ? list_mailbox(task) : check_mailbox(task);
}

int as_user(const MailboxTask& task, const auth::Account& account) {
    if (const Status dropped = priv::become_user(account.uid, account.gid, {}); !dropped)
        return mailbox_failure(task, dropped.error());
    ::umask(077);
    ::tzset(); // its files are out of reach later
    const int status = run_task(task);
    return std::fflush(stdout) == 0 ? status : exit_system;
}

} // namespace

int mailbox_failure(const MailboxTask& task, const Error& error) {
    std::fprintf(stderr, "posada mailbox %s: %s\n", task.verb.c_str(), error.describe().c_str());
    if (error.code == Errc::busy) return exit_again;
    return error.code == Errc::io || error.code == Errc::no_space ? exit_system : exit_failed;
}

int mailbox_child_status(const MailboxTask& task, int wait_status) {
    if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status);
    return mailbox_failure(task, {Errc::io, 0, "ended by " + describe_wait_status(wait_status)});
}

Status confine_to(const MailboxTask& task, int mailbox, int source, bool writes) {
    auto sandbox = priv::prepare_sandbox(priv::SandboxProfile::agent_files, task.sandbox, STDERR_FILENO);
    if (!sandbox) return sandbox.error();
    std::vector<priv::LandlockRule> rules{
        {mailbox, writes ? priv::LandlockAccess::read_write : priv::LandlockAccess::read_only}};
    if (source >= 0) rules.push_back({source, priv::LandlockAccess::read_only});
    return sandbox->apply(rules);
}

int mailbox_command(std::span<const std::string_view> args) {
    auto task = parse_arguments(args);
    if (!task) {
        std::fprintf(stderr, "posada mailbox: %s\n%.*s\n", task.error().text.c_str(), static_cast<int>(usage.size()),
                     usage.data());
        return exit_usage;
    }
    service::ConfigSource source;
    source.must_exist = !task->config.empty();
    if (source.must_exist) source.file = task->config;
    const auto loaded = load_common(source);
    if (!loaded.errors.empty()) {
        std::fprintf(stderr, "%s\n", service::errors_text(loaded.errors).c_str());
        return exit_config;
    }
    const auto account = account_of(*task, loaded.settings.common());
    if (!account) return mailbox_failure(*task, account.error());
    if (task->maildir.empty()) task->maildir = account->maildir();
    task->hostname = loaded.settings.common().hostname;
    task->sandbox = loaded.settings.service().sandbox;
    const auto child = fork_process([&] { return as_user(*task, *account); });
    if (!child) return mailbox_failure(*task, child.error());
    return mailbox_child_status(*task, wait_for(*child));
}

} // namespace posada::ctl
