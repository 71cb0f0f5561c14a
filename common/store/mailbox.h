// SPDX-License-Identifier: BSD-2-Clause
// Mailbox: the messages of a Maildir as they were when it was opened, numbered, for one session. Files that other
// programs move or rename meanwhile (new/ to cur/, flags) are found again by their base name; mail that arrives later
// belongs to the next session.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/store/maildir.h"

namespace posada::store {

struct StoredMessage {
    std::string name; // of the file, as last seen
    Folder folder = Folder::fresh;
    std::uint64_t octets = 0; // as sent: CRLF line ends, a blank line behind the header
    bool gone = false;        // another program removed it
};

class Mailbox {
  public:
    // At most max_messages, the oldest; the others are counted as hidden. A message whose name does not tell its size
    // is read once. Unreadable files are logged and left out. maildir outlives the mailbox.
    static Result<Mailbox> open(const Maildir& maildir, std::size_t max_messages);

    [[nodiscard]] const std::vector<StoredMessage>& messages() const { return messages_; }
    [[nodiscard]] std::uint64_t octets() const { return octets_; }
    [[nodiscard]] std::size_t hidden() const { return hidden_; }
    [[nodiscard]] std::string uidl(std::size_t index) const;

    // For reading, a regular file. Errc::not_found: another program removed it.
    Result<UniqueFd> open_message(std::size_t index);
    // Takes the name away; good when it is gone already. Durable only after sync().
    Status remove(std::size_t index);
    Status sync();

  private:
    explicit Mailbox(const Maildir& maildir) : maildir_(&maildir) {}
    bool measure(std::size_t index);
    Status find_again();

    const Maildir* maildir_;
    std::vector<StoredMessage> messages_;
    std::uint64_t octets_ = 0;
    std::size_t hidden_ = 0;
    bool changed_[3] = {false, false, false}; // folders with unsynced removals
};

// The message files of new/ and cur/, oldest first. A file that is renamed while the directories are read is listed
// exactly once.
Result<std::vector<StoredMessage>> scan_messages(const Maildir& maildir);

} // namespace posada::store
