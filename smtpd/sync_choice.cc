// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/sync_choice.h"

namespace posada::smtpd {

namespace {
constexpr double weight_of_new = 0.2;
std::size_t index_of(store::DataSync sync) { return sync == store::DataSync::each_file ? 0 : 1; }
} // namespace

store::DataSync SyncChoice::choose(std::size_t messages) {
    if (messages <= 1) return store::DataSync::each_file;
    const double each = micros_per_message_[0];
    const double whole = micros_per_message_[1];
    ++batches_;
    // The loser is tried again now and then, but not with a large batch: a busy disk makes syncfs wait for others.
    const bool probe = batches_ % probe_every == 0;
    if (whole == 0) return store::DataSync::whole_filesystem;
    if (each == 0) return store::DataSync::each_file;
    return (whole <= each) != probe ? store::DataSync::whole_filesystem : store::DataSync::each_file;
}

void SyncChoice::measured(store::DataSync used, std::size_t messages, std::uint64_t micros) {
    if (messages <= 1) return;
    double& average = micros_per_message_[index_of(used)];
    const double now = static_cast<double>(micros) / static_cast<double>(messages);
    average = average == 0 ? now : average + weight_of_new * (now - average);
}

} // namespace posada::smtpd
