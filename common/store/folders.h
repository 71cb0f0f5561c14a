// SPDX-License-Identifier: BSD-2-Clause
// The folders of a mailbox, as Maildir++ has them: directories ".Sent", ".Sent.2026" beside cur, new and tmp, each a
// Maildir of its own with an empty file `maildirfolder`, names in modified UTF-7, '.' between the levels. INBOX is the
// mailbox itself. Shared with Dovecot, whose default layout this is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/store/maildir.h"

namespace posada::store {

inline constexpr std::string_view inbox_name = "INBOX";
inline constexpr const char* folder_marker = "maildirfolder";
inline constexpr const char* subscriptions_name = "subscriptions";

struct MailFolder {
    std::string name;        // UTF-8; as on disk where that is not modified UTF-7
    std::string directory;   // "" or ".Sent.2026"
    bool wrong_name = false; // not modified UTF-7: other programs may show something else
    bool has_marker = true;  // folder_marker is there
    bool subscribed = false; // in the file `subscriptions`
};

// "Sent.2026" -> ".Sent.2026", INBOX in any case -> "". Errc::invalid says why a name is none: '/' or a control
// character in it, an empty level, more octets than a file name has, a folder below INBOX, not UTF-8.
Result<std::string> folder_directory(std::string_view name);

// INBOX first, then by name. Symbolic links and what is not a whole Maildir are no folders.
Result<std::vector<MailFolder>> list_folders(const Maildir& mailbox);

// path: of the mailbox. Makes the folder with its marker, durably, if it is not there.
Result<Maildir> open_or_create_folder(const std::string& path, std::string_view name);

} // namespace posada::store
