// SPDX-License-Identifier: BSD-2-Clause
// Mailbox: the messages of a Maildir as they were when it was opened, in the order of their UIDs, for one session.
// Files that other programs move or rename meanwhile (new/ to cur/, flags) are found again by their base name; mail
// that arrives later belongs to the next session.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/store/mailbox_scan.h"
#include "common/store/maildir.h"

namespace posada::store {

class Uidlist;

struct StoredMessage {
    std::uint64_t octets = 0; // as sent: CRLF line ends, a blank line behind the header
    std::uint32_t uid = 0;
    std::uint32_t name_at = 0; // name and what of it is the base name: Mailbox::name
    std::uint16_t name_size = 0;
    std::uint16_t base_size = 0;
    Folder folder = Folder::fresh;
    bool gone = false; // another program removed it
};

// Open for reading.
struct MessageFile {
    UniqueFd file;
    std::uint64_t size = 0; // octets stored
    UnixTime modified = 0;
};

struct MailboxLimits {
    std::size_t max_messages = 1'000'000; // the lowest UIDs; the others are counted as hidden
    Millis lock_wait{2'000};              // for the uidlist; new messages stay hidden if it is not to be had
};

class Mailbox {
  public:
    // Gives UIDs to what has none; they are on stable storage on return. A message whose size nothing tells is read
    // once. Unreadable files are logged and left out. maildir outlives the mailbox.
    static Result<Mailbox> open(const Maildir& maildir, const MailboxLimits& limits);

    [[nodiscard]] const std::vector<StoredMessage>& messages() const { return messages_; }
    [[nodiscard]] std::uint32_t uidvalidity() const { return uidvalidity_; }
    [[nodiscard]] std::size_t hidden() const { return hidden_; }
    [[nodiscard]] std::string_view name(std::size_t index) const; // of the file, as last seen
    // The unique id that this message has had with another server; empty: it is made of uid and uidvalidity.
    [[nodiscard]] std::string_view own_uidl(std::size_t index) const;
    [[nodiscard]] std::string uidl(std::size_t index) const;

    // For reading, a regular file. Errc::not_found: another program removed it.
    Result<MessageFile> open_message(std::size_t index);
    // Adds flags (maildir_name.h), which moves the message to cur/; good when it is gone. Not made durable.
    Status add_flags(std::size_t index, std::string_view flags);
    // Removes what arrived before this time, by the file's time stamp and, where it has one, the name's. How many; the
    // messages are numbered anew.
    Result<std::size_t> expire(UnixTime before);
    // Takes the name away; good when it is gone already. Durable only after sync().
    Status remove(std::size_t index);
    Status sync();

  private:
    explicit Mailbox(const Maildir& maildir) : maildir_(&maildir) {}
    friend class MailboxOpener;
    Status find_again();
    void pack();
    [[nodiscard]] bool arrived_before(std::size_t index, UnixTime time) const;
    void drop_gone();

    const Maildir* maildir_;
    MailboxScan scan_; // holds the names
    std::vector<StoredMessage> messages_;
    std::vector<std::pair<std::uint32_t, std::string>> own_uidls_; // by index
    std::uint32_t uidvalidity_ = 0;
    std::size_t hidden_ = 0;
    bool changed_[3] = {false, false, false}; // folders with unsynced removals
    std::int64_t removed_ = 0;                // not yet noted for the quota
    std::int64_t removed_octets_ = 0;
};

// O_NOFOLLOW, and nothing but a regular file.
Result<MessageFile> open_message_file(int directory, const std::string& name);

} // namespace posada::store
