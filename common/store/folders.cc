// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/folders.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/store/directory.h"
#include "common/store/mutf7.h"

namespace posada::store {

namespace {

constexpr std::size_t longest_directory = 255;
constexpr std::size_t max_subscriptions = 1U << 20;

Error no_name(std::string_view name, std::string_view why) {
    return {Errc::invalid, 0, "folder '" + escape_for_log(name) + "': " + std::string(why)};
}

bool is_directory(int at, const std::string& name) {
    struct stat st {};
    return ::fstatat(at, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

bool is_folder(int at, const std::string& name) {
    if (!is_directory(at, name)) return false;
    const UniqueFd directory(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return directory.valid() && is_directory(directory.get(), "cur") && is_directory(directory.get(), "new") &&
           is_directory(directory.get(), "tmp");
}

MailFolder describe(int root, std::string directory) {
    MailFolder out;
    const std::string_view encoded = std::string_view(directory).substr(1);
    const auto name = mutf7_to_utf8(encoded);
    out.wrong_name = !name || folder_directory(*name).ok() == false;
    out.name = out.wrong_name ? std::string(encoded) : *name;
    struct stat st {};
    out.has_marker = ::fstatat(root, (directory + "/" + folder_marker).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
    out.directory = std::move(directory);
    return out;
}

// Lines of names as they are on disk: Dovecot's since 2.3 start with a version line and have tabs between the levels.
std::vector<std::string> read_subscriptions(int root) {
    const UniqueFd fd(::openat(root, subscriptions_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    const auto text = fd.valid() ? read_all(fd.get(), max_subscriptions) : Result<std::string>(std::string());
    if (!text) return {};
    std::vector<std::string> out;
    for (const std::string_view line : split(*text, '\n')) {
        if (line.empty() || line.starts_with("V\t")) continue;
        out.emplace_back(line);
        std::replace(out.back().begin(), out.back().end(), '\t', '.');
    }
    return out;
}

} // namespace

Result<std::string> folder_directory(std::string_view name) {
    if (iequals(name, inbox_name)) return std::string();
    if (name.size() > inbox_name.size() && name[inbox_name.size()] == '.' && istarts_with(name, inbox_name))
        return no_name(name, "there is nothing below INBOX; folders stand beside it");
    if (name.empty()) return no_name(name, "a name is expected");
    if (name.find('/') != std::string_view::npos || has_control(name))
        return no_name(name, "'/' and control characters are not possible in a name; levels have '.' between them");
    const auto levels = split(name, '.');
    if (std::find(levels.begin(), levels.end(), std::string_view()) != levels.end())
        return no_name(name, "'.' stands between two levels, and each has a name");
    auto encoded = mutf7_from_utf8(name);
    if (!encoded) return no_name(name, "not UTF-8");
    if (encoded->size() >= longest_directory) return no_name(name, "too long for the file system");
    return "." + *encoded;
}

Result<std::vector<MailFolder>> list_folders(const Maildir& mailbox) {
    auto names = dot_names(mailbox.root(), "mailbox");
    if (!names) return names.error();
    std::sort(names->begin(), names->end());
    const std::vector<std::string> subscriptions = read_subscriptions(mailbox.root());
    const auto subscribed = [&](std::string_view name) {
        return std::find(subscriptions.begin(), subscriptions.end(), name) != subscriptions.end();
    };
    std::vector<MailFolder> out(1);
    out[0].name = inbox_name;
    out[0].subscribed = subscribed(inbox_name);
    for (std::string& name : *names) {
        if (!is_folder(mailbox.root(), name)) continue;
        out.push_back(describe(mailbox.root(), std::move(name)));
        out.back().subscribed = subscribed(std::string_view(out.back().directory).substr(1));
    }
    return out;
}

// The marker before the directories: what looks like a folder is one.
Result<Maildir> open_or_create_folder(const std::string& path, std::string_view name) {
    const auto directory = folder_directory(name);
    if (!directory) return directory.error();
    auto mailbox = Maildir::open_or_create(path);
    if (!mailbox || directory->empty()) return mailbox;
    const FileOps& ops = mailbox->ops();
    if (ops.mkdir_at(mailbox->root(), directory->c_str(), 0700) == 0) {
        const std::string marker = *directory + "/" + folder_marker;
        const int made =
            ops.open_at(mailbox->root(), marker.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (made < 0) return errno_error(marker);
        ops.close(made);
    } else if (errno != EEXIST) {
        return errno_error("mkdir " + *directory);
    }
    return Maildir::open_or_create(path + "/" + *directory);
}

} // namespace posada::store
