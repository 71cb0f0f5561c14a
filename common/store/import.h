// SPDX-License-Identifier: BSD-2-Clause
// MailImport: messages of an mbox or of another Maildir into a mailbox, durably and each once: the name is made of the
// content, its date and which of equal messages it is, so that an import that died can be run again. UIDs follow the
// order of the source. What the source
// knew about a message comes along: date of arrival, flags, and if asked for keywords and unique ids of POP3.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/clock.h"
#include "common/store/delivery.h"
#include "common/store/keywords.h"
#include "common/store/maildir.h"
#include "common/store/mbox.h"

namespace posada::store {

struct ImportOptions {
    bool keep_uidl = false; // the unique id becomes that of this mailbox (field P of the uidlist)
    bool keep_keywords = false;
    std::string hostname;
    DataSync sync = DataSync::whole_filesystem;
};

struct ImportCounts {
    std::uint64_t imported = 0;
    std::uint64_t octets = 0;        // of these, as stored
    std::uint64_t already_there = 0; // an earlier import brought them
    std::uint64_t empty = 0;         // entries without a single octet
    std::uint64_t internal = 0;      // MboxStatus::internal
    std::uint64_t uidls_kept = 0;
    std::uint64_t uidls_lost = 0;    // another message has that id, or this one has got a UID already
    std::uint64_t keywords_lost = 0; // more than 26 in the folder
};

class MailImport final : public MboxSink {
  public:
    // maildir and clock outlive it.
    MailImport(const Maildir& maildir, ImportOptions options, const Clock& clock);
    ~MailImport() override;
    // Looks at what an earlier import has brought.
    Status start();

    void begin(const FromLine& from) override;
    void content(std::string_view bytes) override;
    void end(const MboxStatus& status) override;
    // The last batch; on a good return all that counts says is on stable storage. Messages of batches before a failure
    // are there.
    Status finish();
    // The first failure; from there on nothing is taken any more.
    [[nodiscard]] const Status& status() const { return verdict_; }
    [[nodiscard]] const ImportCounts& counts() const { return counts_; }

  private:
    struct Pending {
        std::string base;
        std::uint64_t size = 0;
        std::string uidl;
    };
    struct DigestFree {
        void operator()(EVP_MD_CTX* digest) const noexcept { ::EVP_MD_CTX_free(digest); }
    };
    void fail(const Status& status);
    std::string final_name();
    std::string flags_of(const MboxStatus& status);
    Result<char> keyword_letter(const std::string& name);
    Status commit();
    Status note_committed();
    Status write_uids();

    const Maildir& maildir_;
    ImportOptions options_;
    const Clock& clock_;
    DeliveryBatch batch_;
    std::unique_ptr<EVP_MD_CTX, DigestFree> digest_;
    std::unordered_set<std::string> there_;                 // base names of earlier imports, without sizes
    std::unordered_map<std::string, std::uint32_t> equals_; // how many of this content were met
    std::optional<Keywords> keywords_;
    std::vector<Pending> pending_; // one per message in the batch
    std::vector<Pending> named_;   // in their folder, and to have a UID
    std::uint64_t pending_octets_ = 0;
    FromLine from_;
    std::uint64_t size_ = 0;     // of the message under way
    std::uint64_t sequence_ = 0; // for names in tmp/
    Status verdict_;
    ImportCounts counts_;
};

} // namespace posada::store
