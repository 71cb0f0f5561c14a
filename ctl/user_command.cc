// SPDX-License-Identifier: BSD-2-Clause
// A change is in force at once: every login reads the users file.
#include "ctl/user_command.h"

#include <pwd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/auth/hasher.h"
#include "common/auth/users_file.h"
#include "common/base/text.h"
#include "common/base/units.h"
#include "common/service/config/config.h"
#include "ctl/command.h"
#include "ctl/password_input.h"
#include "ctl/sections.h"
#include "ctl/user_files.h"

namespace posada::ctl {

namespace {

using nlohmann::ordered_json;

struct UserArguments {
    std::string verb;
    std::string name;
    bool json = false;
    bool generate = false;
    bool none = false; // apop: take the secret away
    std::optional<int> password_fd;
    std::string home;
    auth::UserOptions user_options;     // --quota, --quota-messages; quota SIZE MESSAGES
    std::vector<std::string_view> more; // words behind NAME
    std::string users_file;
    std::string config;
    service::CommonOptions options; // loaded
};

constexpr std::string_view usage =
    "usage: posada user add NAME [--home DIR] [--quota SIZE] [--quota-messages N]\n"
    "                       [--password-fd N | --generate] [--json]\n"
    "       posada user passwd NAME [--password-fd N | --generate] [--json]\n"
    "       posada user apop NAME [--password-fd N | --generate | --none] [--json]\n"
    "       posada user quota NAME SIZE [MESSAGES] [--json]   0: no limit; default: as [mailbox] says\n"
    "       posada user list [--json]\n"
    "       posada user remove NAME [--json]\n"
    "each with [--config FILE] [--users-file FILE]; without --password-fd and --generate the terminal is asked";

Error wrong(std::string text) { return Error{Errc::invalid, 0, std::move(text)}; }

// "2G", "0", and "default" = what [mailbox] says.
Status take_limit(std::optional<std::uint64_t>& out, std::string_view what, std::string_view value, bool is_size) {
    out.reset();
    if (value == "default") return {};
    if (is_size) {
        const auto size = parse_size(value);
        if (!size) return wrong(std::string(what) + ": '" + escape_for_log(value) + "' " + size.error().text);
        out = *size;
        return {};
    }
    out = parse_uint(value);
    if (!out) return wrong(std::string(what) + ": a number of messages is expected, 0 for no limit");
    return {};
}

Status take_value(UserArguments& out, std::string_view option, std::string_view value) {
    if (option == "--home") out.home = value;
    if (option == "--users-file") out.users_file = value;
    if (option == "--config") out.config = value;
    if (option == "--quota") return take_limit(out.user_options.quota, option, value, true);
    if (option == "--quota-messages") return take_limit(out.user_options.quota_messages, option, value, false);
    if (option != "--password-fd") return {};
    const auto fd = parse_uint(value);
    if (!fd || *fd > 65'535) return wrong("--password-fd: the number of an open descriptor is expected");
    out.password_fd = static_cast<int>(*fd);
    return {};
}

Status take_word(UserArguments& out, std::string_view word) {
    if (word.substr(0, 2) == "--") return wrong("unknown argument '" + escape_for_log(word) + "'");
    if (out.verb == "quota" && !out.name.empty() && out.more.size() < 2) {
        out.more.push_back(word);
        return {};
    }
    if (!out.name.empty()) return wrong("one NAME is expected, found '" + escape_for_log(word) + "' as well");
    out.name = word;
    return {};
}

Status check_arguments(const UserArguments& args) {
    const bool sets_password = args.verb == "add" || args.verb == "passwd" || args.verb == "apop";
    if (!sets_password && args.verb != "list" && args.verb != "remove" && args.verb != "quota")
        return wrong("add, passwd, apop, quota, list or remove is expected");
    if (args.verb == "list" && !args.name.empty()) return wrong("list takes no NAME");
    if (args.verb != "list" && args.name.empty()) return wrong("a NAME is expected");
    if (!sets_password && (args.generate || args.password_fd)) return wrong(args.verb + " takes no password");
    if (args.generate && args.password_fd) return wrong("--generate and --password-fd exclude each other");
    if (args.none && (args.verb != "apop" || args.generate || args.password_fd))
        return wrong("--none is for apop, without a secret");
    if (args.verb != "add" && !args.home.empty()) return wrong("--home is for add only");
    if (args.verb != "add" && !args.user_options.empty())
        return wrong("--quota and --quota-messages are for add only; later: posada user quota NAME SIZE [MESSAGES]");
    if (args.verb == "quota" && args.more.empty()) return wrong("a SIZE is expected, such as 500M or 2G; 0: no limit");
    if (args.verb == "add" && !auth::valid_account_name(args.name))
        return wrong("'" + escape_for_log(args.name) +
                     "': a user's name is made of a-z, 0-9, '.', '_' and '-', starts with a letter, digit or '_', and "
                     "has at most 64 characters");
    return {};
}

Result<UserArguments> parse_arguments(std::span<const std::string_view> args) {
    UserArguments out;
    if (!args.empty()) out.verb = args[0];
    for (std::size_t i = 1; i < args.size(); ++i) {
        const bool takes_value = args[i] == "--home" || args[i] == "--users-file" || args[i] == "--config" ||
                                 args[i] == "--password-fd" || args[i] == "--quota" || args[i] == "--quota-messages";
        if (takes_value && i + 1 == args.size()) return wrong(std::string(args[i]) + " needs a value");
        if (takes_value) {
            RETURN_IF_ERROR(take_value(out, args[i], args[i + 1]));
            ++i;
        } else if (args[i] == "--json") {
            out.json = true;
        } else if (args[i] == "--generate") {
            out.generate = true;
        } else if (args[i] == "--none") {
            out.none = true;
        } else {
            RETURN_IF_ERROR(take_word(out, args[i]));
        }
    }
    RETURN_IF_ERROR(check_arguments(out));
    return out;
}

int fail(const Error& error) {
    std::fprintf(stderr, "posada user: %s\n", error.describe().c_str());
    if (error.code == Errc::io || error.code == Errc::no_space) return exit_system;
    return error.code == Errc::corrupt ? exit_config : exit_failed;
}

void print_json(const ordered_json& value) {
    // A home need not be UTF-8; dump() would throw at it.
    std::puts(value.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

ordered_json limit_json(const std::optional<std::uint64_t>& limit) {
    return limit ? ordered_json(*limit) : ordered_json(nullptr);
}

ordered_json describe(const auth::UserEntry& entry) {
    return {{"name", entry.name},
            {"uid", entry.uid},
            {"gid", entry.gid},
            {"home", entry.home},
            {"maildir", entry.account().maildir()},
            {"locked", entry.locked()},
            {"scram", entry.scram.has_value()},
            {"apop", !entry.options.apop.empty()},
            {"quota", limit_json(entry.options.quota)},
            {"quota_messages", limit_json(entry.options.quota_messages)}};
}

Result<Secret> new_password(const UserArguments& args) {
    if (args.generate) return generated_password();
    auto given = args.password_fd ? password_from_fd(*args.password_fd) : password_from_terminal();
    if (!given) return given;
    RETURN_IF_ERROR(check_new_password(given->view()));
    return given;
}

void tell(const UserArguments& args, const auth::UserEntry& entry, std::string_view what, const Secret& password) {
    if (args.json) {
        ordered_json out = describe(entry);
        if (args.generate) out["password"] = std::string(password.view());
        return print_json(out);
    }
    std::printf("%.*s %s: uid %u, mail in %s\n", static_cast<int>(what.size()), what.data(), entry.name.c_str(),
                entry.uid, entry.account().maildir().c_str());
    if (args.generate) std::printf("password: %s\n", password.c_str());
}

int add_user(const UserArguments& args) {
    const auto password = new_password(args);
    if (!password) return fail(password.error());
    auth::UserEntry entry;
    entry.name = args.name;
    entry.home = args.home.empty() ? virtual_home(args.options, args.name) : args.home;
    entry.options = args.user_options;
    auto hash = auth::Hasher().hash(password->view());
    if (!hash) return fail(hash.error());
    entry.hash = std::move(*hash);
    entry.scram = auth::new_verifier(password->view());
    auto edit = auth::UsersFileEdit::open(args.users_file);
    if (!edit) return fail(edit.error());
    Status done = give_ids(*edit, args.options, entry);
    if (done) done = edit->add(entry); // refuses before anything is on disk
    if (done) done = make_home(entry);
    if (done) done = edit->commit();
    if (!done) return fail(done.error());
    tell(args, entry, "added", *password);
    if (::getpwnam(args.name.c_str()) != nullptr)
        std::fprintf(stderr, "posada user: note: the system has an account of this name as well; mail and logins go to "
                             "this one if \"users\" comes first in [auth] backends\n");
    return 0;
}

int set_password(const UserArguments& args) {
    const auto password = new_password(args);
    if (!password) return fail(password.error());
    auto hash = auth::Hasher().hash(password->view());
    if (!hash) return fail(hash.error());
    auto edit = auth::UsersFileEdit::open(args.users_file);
    if (!edit) return fail(edit.error());
    Status done = edit->set_password(args.name, std::move(*hash), auth::new_verifier(password->view()));
    if (done) done = edit->commit();
    if (!done) return fail(done.error());
    tell(args, **edit->current().find(args.name), "new password for", *password);
    return 0;
}

// A secret of its own: whoever reads the users file can use it, and no password comes back from a hash.
int set_apop(const UserArguments& args) {
    auto secret = args.none ? Result<Secret>(Secret()) : new_password(args);
    if (!secret) return fail(secret.error());
    auto edit = auth::UsersFileEdit::open(args.users_file);
    if (!edit) return fail(edit.error());
    const auto found = edit->current().find(args.name);
    if (!found) return fail(found.error());
    auth::UserOptions options = *found == nullptr ? auth::UserOptions() : (*found)->options;
    options.apop = secret->view();
    Status done = edit->set_options(args.name, options);
    if (done) done = edit->commit();
    if (!done) return fail(done.error());
    tell(args, **edit->current().find(args.name), args.none ? "no APOP secret for" : "APOP secret for", *secret);
    return 0;
}

int set_quota(const UserArguments& args) {
    auto edit = auth::UsersFileEdit::open(args.users_file);
    if (!edit) return fail(edit.error());
    const auto found = edit->current().find(args.name);
    if (!found) return fail(found.error());
    auth::UserOptions options = *found == nullptr ? auth::UserOptions() : (*found)->options;
    Status done = take_limit(options.quota, "SIZE", args.more[0], true);
    if (done && args.more.size() > 1) done = take_limit(options.quota_messages, "MESSAGES", args.more[1], false);
    if (done) done = edit->set_options(args.name, options);
    if (done) done = edit->commit();
    if (!done) return fail(done.error());
    const auth::UserEntry& entry = **edit->current().find(args.name);
    if (args.json) {
        print_json(describe(entry));
    } else {
        const auto text = [](const std::optional<std::uint64_t>& limit, bool is_size) {
            if (!limit) return std::string("default");
            return is_size ? size_text(*limit) : std::to_string(*limit);
        };
        std::printf("%s: quota %s, messages %s\n", entry.name.c_str(), text(entry.options.quota, true).c_str(),
                    text(entry.options.quota_messages, false).c_str());
    }
    return 0;
}

int remove_user(const UserArguments& args) {
    auto edit = auth::UsersFileEdit::open(args.users_file);
    if (!edit) return fail(edit.error());
    const auto found = edit->current().find(args.name);
    if (!found) return fail(found.error());
    const std::string home = *found == nullptr ? std::string() : (*found)->home;
    Status done = edit->remove(args.name);
    if (done) done = edit->commit();
    if (!done) return fail(done.error());
    if (args.json) {
        print_json({{"removed", args.name}, {"home", home}});
    } else {
        std::printf("removed %s; the mail is kept in %s until you delete it\n", args.name.c_str(), home.c_str());
    }
    return 0;
}

int list_users(const UserArguments& args) {
    const auto quota_text = [](const auth::UserOptions& options) {
        auth::UserOptions shown; // whatever else there is may be secret
        shown.quota = options.quota;
        shown.quota_messages = options.quota_messages;
        return shown.text();
    };
    const auto file = auth::UsersFile::load(args.users_file);
    if (!file) return fail(file.error());
    ordered_json users = ordered_json::array();
    ordered_json errors = ordered_json::array();
    for (const auth::UsersFileError& error : file->errors()) errors.push_back(error.text);
    for (const auth::UserEntry& entry : file->entries()) {
        users.push_back(describe(entry));
        if (!args.json)
            std::printf("%-24s %6u  %-6s %s%s%s\n", entry.name.c_str(), entry.uid, entry.locked() ? "locked" : "",
                        entry.home.c_str(), quota_text(entry.options).empty() ? "" : "  ",
                        quota_text(entry.options).c_str());
    }
    if (args.json) print_json({{"users", users}, {"errors", errors}});
    for (const auth::UsersFileError& error : file->errors()) std::fprintf(stderr, "%s\n", error.text.c_str());
    return file->errors().empty() ? 0 : exit_config;
}

// The configuration says where the file is and which uids are for users; 0 = fine.
int load_options(UserArguments& args) {
    service::ConfigSource source;
    source.must_exist = !args.config.empty();
    if (source.must_exist) source.file = args.config;
    const auto loaded = load_common(source);
    if (!loaded.errors.empty()) {
        std::fprintf(stderr, "%s\n", service::errors_text(loaded.errors).c_str());
        return exit_config;
    }
    args.options = loaded.settings.common();
    if (args.users_file.empty()) args.users_file = args.options.paths.users_file;
    return 0;
}

} // namespace

int user_command(std::span<const std::string_view> args) {
    auto parsed = parse_arguments(args);
    if (!parsed) {
        std::fprintf(stderr, "posada user: %s\n%.*s\n", parsed.error().text.c_str(), static_cast<int>(usage.size()),
                     usage.data());
        return exit_usage;
    }
    if (const int status = load_options(*parsed); status != 0) return status;
    if (parsed->verb == "add") return add_user(*parsed);
    if (parsed->verb == "passwd") return set_password(*parsed);
    if (parsed->verb == "apop") return set_apop(*parsed);
    if (parsed->verb == "remove") return remove_user(*parsed);
    if (parsed->verb == "quota") return set_quota(*parsed);
    return list_users(*parsed);
}

} // namespace posada::ctl
