// SPDX-License-Identifier: BSD-2-Clause
// DeliveryBatch: messages into one Maildir so that a name in new/ or cur/ never stands for less than a whole message,
// not even after a power failure: all data to tmp/, data to stable storage, all names to new/, the directory to stable
// storage. A message whose Status is good may be acknowledged; of the others nothing remains, or the next attempt finds
// them by their name (Maildir::find_delivered).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/maildir.h"
#include "common/store/message_measure.h"

namespace posada::store {

enum class DataSync : std::uint8_t {
    each_file,        // fsync of every message: the wait is bounded by our own data
    whole_filesystem, // one syncfs for the batch: several times faster unless somebody else writes much
};

// Where and how a message goes, if not simply into new/ under the name that it was begun with.
struct Filing {
    std::string base;                 // a name that is known only at the end; empty = as begun
    bool into_cur = false;            // no new mail: cur/, with these flags
    std::string flags;                // letters in order: "FS"
    std::optional<UnixTime> received; // the file's time, which IMAP shows as the date of arrival
};

class DeliveryBatch {
  public:
    // maildir outlives the batch.
    DeliveryBatch(const Maildir& maildir, DataSync sync) : maildir_(maildir), sync_(sync) {}
    ~DeliveryBatch(); // what was not committed is removed from tmp/
    DeliveryBatch(const DeliveryBatch&) = delete;
    DeliveryBatch& operator=(const DeliveryBatch&) = delete;

    // Starts a message under this name (delivery_name, unique_name). A file of that name in tmp/ is the rest of an
    // attempt that died: it is replaced.
    Status begin(std::string_view base);
    // The message under way, in any pieces. After a failure the message is lost, the batch is not.
    Status write(std::string_view bytes);
    // Ends the message; with each_file its data are synced here.
    Status end(const Filing& filing = {});
    // The caller cannot give the rest of the message under way: it is lost, for this reason, and never published.
    void refuse(Error reason);
    // Syncs, renames, syncs. One Status per begin(), in order. The batch is empty afterwards.
    std::vector<Status> commit();
    [[nodiscard]] std::size_t size() const { return messages_.size(); }

  private:
    struct Message {
        std::string base;  // in tmp/
        std::string final; // base name in new/ or cur/
        bool into_cur = false;
        std::string flags;
        MessageMeasure measure;
        Status status;
        bool in_tmp = false;
    };
    Status fail(Message& message, Error error);
    void sync_data();
    void publish(Message& message);
    void sync_directory(Folder folder);
    Status file(Message& message, const Filing& filing);
    void drop(Message& message);

    const Maildir& maildir_;
    DataSync sync_;
    std::vector<Message> messages_;
    int file_ = -1; // of the message under way; owned
};

} // namespace posada::store
