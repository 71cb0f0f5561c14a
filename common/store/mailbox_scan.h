// SPDX-License-Identifier: BSD-2-Clause
// MailboxScan: the message files of new/ and cur/, by base name. readdir() may skip or repeat a file that is renamed
// while it reads, so each round adds to what the rounds before have seen; one that was met in any of them is there.
// Names lie one behind the other, for mailboxes of 100,000 messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/maildir.h"

namespace posada::store {

struct ScannedFile {
    std::uint64_t measured_w = 0; // for the one who reads it: octets with CRLF, 0 = not known
    std::uint64_t octets = 0;     // as sent, 0 = not known
    std::uint32_t name_at = 0;
    std::uint16_t name_size = 0;
    std::uint16_t base_size = 0;
    Folder folder = Folder::fresh;
};

class MailboxScan {
  public:
    // One round: new/ before cur/, so that a message on its way from one to the other is met at least once.
    Status read(const Maildir& maildir);
    // Nothing was changed in the folders while the last round ran, nor in the tick of the clock before.
    [[nodiscard]] bool settled() const { return settled_; }

    [[nodiscard]] std::vector<ScannedFile>& files() { return files_; }
    [[nodiscard]] std::string_view name(const ScannedFile& file) const {
        return std::string_view(names_).substr(file.name_at, file.name_size);
    }
    [[nodiscard]] std::string_view base(const ScannedFile& file) const { return name(file).substr(0, file.base_size); }
    // All names; one that is kept stands there for good.
    [[nodiscard]] std::string_view text() const { return names_; }
    std::uint32_t keep(std::string_view name);
    void forget_files(); // all but the names
    // Index in files().
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view base) const;

  private:
    Status read_folder(const Maildir& maildir, Folder folder);
    void add(std::string_view name, Folder folder);
    void grow();
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t file = 0; // index + 1, 0 = free
    };
    [[nodiscard]] std::size_t slot_of(std::string_view base, std::uint32_t hash) const;

    std::string names_;
    std::vector<ScannedFile> files_;
    std::vector<Slot> slots_; // open addressing; a power of two
    bool settled_ = false;
};

} // namespace posada::store
