// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/sync_choice.h"

namespace posada::smtpd {

namespace {

constexpr double weight_of_new = 0.2;
constexpr std::size_t small_batch = 3;  // up to here a sync each costs no more than waiting for everybody's data
constexpr std::size_t trial_batch = 16; // the other way is tried on batches up to this: a large one would wait long
constexpr double patience = 20'000;     // microseconds a message: above it syncfs is surely waiting for other writers

std::size_t index_of(store::DataSync sync) { return sync == store::DataSync::each_file ? 0 : 1; }

} // namespace

store::DataSync SyncChoice::choose(std::size_t messages) {
    if (messages <= small_batch) return store::DataSync::each_file;
    const double each = micros_per_message_[0];
    const double whole = micros_per_message_[1];
    ++batches_;
    const bool may_try = messages <= trial_batch || whole > patience;
    if (whole == 0) return store::DataSync::whole_filesystem;
    if (each == 0) return may_try ? store::DataSync::each_file : store::DataSync::whole_filesystem;
    const bool probe = may_try && batches_ % probe_every == 0;
    return (whole <= each) != probe ? store::DataSync::whole_filesystem : store::DataSync::each_file;
}

void SyncChoice::measured(store::DataSync used, std::size_t messages, std::uint64_t micros) {
    if (messages <= small_batch) return;
    double& average = micros_per_message_[index_of(used)];
    const double now = static_cast<double>(micros) / static_cast<double>(messages);
    average = average == 0 ? now : average + weight_of_new * (now - average);
}

} // namespace posada::smtpd
