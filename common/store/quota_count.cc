// SPDX-License-Identifier: BSD-2-Clause
// Counting a mailbox: new/ and cur/ of the Maildir and of each of its Maildir++ folders, which are directories beside
// them whose names start with a dot.
#include <fcntl.h>
#include <sys/stat.h>

#include <unordered_set>

#include "common/store/directory.h"
#include "common/store/maildir_name.h"
#include "common/store/quota.h"

namespace posada::store {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

void add_files(int directory, const std::vector<std::string>& files, const std::unordered_set<std::string>& counted,
               QuotaUsage& usage) {
    for (const std::string& file : files) {
        const MaildirName name = parse_maildir_name(file);
        if (!counted.empty() && counted.count(std::string(name.base)) != 0) continue;
        usage.octets += stored_octets(directory, file);
        ++usage.messages;
    }
}

// new/ first: a message that is moved to cur/ meanwhile is met there at the latest, and counted once.
Status add_folder(int folder, QuotaUsage& usage) {
    std::unordered_set<std::string> counted;
    for (const char* part : {"new", "cur"}) {
        const UniqueFd directory(::openat(folder, part, directory_flags));
        if (!directory.valid() && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue;
        if (!directory.valid()) return errno_error(part);
        const auto files = list_files(directory.get(), part);
        if (!files) return files.error();
        add_files(directory.get(), *files, counted, usage);
        for (const std::string& file : *files) counted.emplace(parse_maildir_name(file).base);
    }
    return {};
}

} // namespace

std::uint64_t stored_octets(int directory, const std::string& file_name) {
    if (const auto told = parse_maildir_name(file_name).size) return *told;
    struct stat st {};
    if (::fstatat(directory, file_name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return static_cast<std::uint64_t>(st.st_size);
}

Result<QuotaUsage> count_quota_usage(const Maildir& maildir) {
    QuotaUsage usage;
    RETURN_IF_ERROR(add_folder(maildir.root(), usage));
    const auto names = dot_names(maildir.root(), "Maildir");
    if (!names) return names.error();
    for (const std::string& name : *names) {
        const UniqueFd folder(::openat(maildir.root(), name.c_str(), directory_flags));
        if (!folder.valid() && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue; // no folder
        if (!folder.valid()) return errno_error(name);
        RETURN_IF_ERROR(add_folder(folder.get(), usage));
    }
    return usage;
}

} // namespace posada::store
