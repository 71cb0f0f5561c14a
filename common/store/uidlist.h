// SPDX-License-Identifier: BSD-2-Clause
// Uidlist: which message has which UID, as `dovecot-uidlist` in the Maildir says it, shared with Dovecot. A second
// copy, `posada-uidlist`, is written after each change and sealed with size and time of the first: it gives back the
// UIDs when that is lost or damaged, and shows that nobody else has written since. Changed under UidlistLock only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "common/store/maildir.h"
#include "common/store/uidlist_format.h"

namespace posada::store {

inline constexpr const char* uidlist_name = "dovecot-uidlist";
inline constexpr const char* uidlist_copy_name = "posada-uidlist";
constexpr std::uint32_t uids_skipped = 65'536; // after a loss: more than anybody can have given since the copy

class Uidlist {
  public:
    // A list that is missing or damaged is no failure: see current(). maildir outlives it.
    static Result<Uidlist> load(const Maildir& maildir);

    [[nodiscard]] bool exists() const { return exists_; }
    // It is whole and the copy knows all of it: nothing to be written unless there are new messages.
    [[nodiscard]] bool current() const { return sealed_ && !damaged_; }
    [[nodiscard]] bool damaged() const { return damaged_; }
    [[nodiscard]] std::uint32_t uidvalidity() const { return header_.uidvalidity; }
    [[nodiscard]] std::vector<UidEntry>& entries() { return entries_; }
    // Fills octets_as_sent from the copy.
    void load_octets();

    // The rest: under the lock, in this order. settle: what another process wrote meanwhile, and what was lost. True:
    // the entries are not those of before.
    Result<bool> settle();
    // A UID for a message; name is viewed until write().
    Result<std::uint32_t> add(std::string_view name, std::uint64_t measured_w, std::uint64_t octets_as_sent);
    // Entries before this were changed, or some were taken away: all of it is written anew.
    void rewrite() { rewrite_ = true; }
    // On return the UIDs are on stable storage. The copy's failure is logged only.
    Status write();

  private:
    struct Stamp {
        std::uint64_t size = 0;
        std::int64_t mtime = 0;
        std::uint64_t inode = 0;
        bool operator==(const Stamp&) const = default;
    };
    struct Text {
        std::unique_ptr<char[]> bytes;
        std::size_t size = 0;
        [[nodiscard]] std::string_view view() const { return {bytes.get(), size}; }
    };
    explicit Uidlist(const Maildir& maildir) : maildir_(&maildir) {}
    static Result<Text> read_text(int fd, const struct stat& st);
    static Stamp stamp_of(const struct stat& st);
    static std::string seal_of(const Stamp& stamp);
    Status load_main();
    Result<UidlistText> load_copy();
    std::string read_seal() const;
    Status recover();
    void add_from_copy(const UidlistText& copy);
    Status start_anew();
    Status write_main();
    Status append_main();
    Status write_copy();

    const Maildir* maildir_;
    UidlistHeader header_;
    std::vector<UidEntry> entries_;
    std::size_t added_from_ = 0; // entries from here on are not in the file yet
    Text main_;
    Text copy_;
    Stamp stamp_;
    bool exists_ = false;
    bool damaged_ = false;
    bool sealed_ = false;
    bool rewrite_ = false;
    bool octets_loaded_ = false;
};

} // namespace posada::store
