// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/mailbox_writer.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "common/store/delivery.h"
#include "common/store/maildir_name.h"

namespace posada::smtpd {

namespace {

// Mail travels with CRLF and lies in a Maildir with LF, as every program that reads Maildirs expects. A CR that ends a
// piece waits for the next one.
class LineEnds {
  public:
    std::string_view convert(std::string_view in) {
        out_.clear();
        for (std::size_t at = 0; at < in.size();) {
            if (cr_ && in[at] != '\n') out_ += '\r';
            cr_ = false;
            const std::size_t next = std::min(in.find('\r', at), in.size());
            out_.append(in.substr(at, next - at));
            cr_ = next < in.size();
            at = next + 1;
        }
        return out_;
    }
    [[nodiscard]] std::string_view finish() const { return cr_ ? "\r" : ""; }

  private:
    std::string out_;
    bool cr_ = false;
};

RowResult delivered(std::uint64_t row) { return {row, RowOutcome::delivered, "2.0.0", "delivered", ""}; }

} // namespace

RowResult result_of_error(std::uint64_t row, const Error& error) {
    switch (error.code) {
    case Errc::not_found: return {row, RowOutcome::failed, "5.1.1", "no such user here", ""};
    case Errc::denied:
        return {row, RowOutcome::deferred, "4.2.0",
                "the mailbox cannot be written: " + error.describe() +
                    (error.sys == EACCES ? "; does it belong to its user?" : ""),
                ""};
    case Errc::no_space:
        return {row, RowOutcome::deferred, "4.2.2", "the disk of the mailbox, or the user's quota of it, is full", ""};
    case Errc::timeout: return {row, RowOutcome::deferred, "4.4.1", "the delivery took too long", ""};
    case Errc::invalid:
    case Errc::exists:
    case Errc::busy:
    case Errc::in_use:
    case Errc::too_soon:
    case Errc::last_try:
    case Errc::limit:
    case Errc::closed:
    case Errc::unavailable:
    case Errc::io:
    case Errc::corrupt:
    case Errc::protocol: break;
    }
    return {row, RowOutcome::deferred, "4.3.0", "delivery failed: " + error.describe(), ""};
}

// Rows of which an earlier attempt may have come through.
void MailboxWriter::find_old(std::vector<Job>& jobs, std::vector<RowResult>& results) {
    std::vector<std::string> bases;
    for (const Job& job : jobs)
        if (job.row->look) bases.push_back(job.base);
    if (bases.empty()) return;
    const auto found = maildir_.find_delivered(bases);
    std::size_t asked = 0;
    std::vector<Job> rest;
    for (Job& job : jobs) {
        if (!job.row->look) {
            rest.push_back(std::move(job));
        } else if (!found) {
            results.push_back(result_of_error(job.row->row, found.error()));
        } else if ((*found)[asked++]) {
            results.push_back(delivered(job.row->row));
        } else {
            rest.push_back(std::move(job));
        }
    }
    jobs = std::move(rest);
    // Whether that attempt came as far as noting them is not known.
    if (found && std::find(found->begin(), found->end(), true) != found->end()) store::forget_quota(maildir_);
}

namespace {

// The message as it lies in the mailbox, in pieces.
template <class Sink>
Status stored_form(const LeaseMessage& message, int body, Sink&& sink) {
    RETURN_IF_ERROR(sink("Return-Path: <" + message.sender + ">\n"));
    std::array<char, 64 * 1024> buffer;
    LineEnds lines;
    std::uint64_t at = message.offset;
    const std::uint64_t end = at + message.size;
    while (at < end) {
        const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
        RETURN_IF_ERROR(read_range(body, at, buffer.data(), want));
        RETURN_IF_ERROR(sink(lines.convert({buffer.data(), want})));
        at += want;
    }
    return sink(lines.finish());
}

std::uint64_t left(std::uint64_t limit, std::uint64_t used) {
    return limit == 0 ? unlimited_space : limit - std::min(limit, used);
}

} // namespace

void MailboxWriter::write_message(store::DeliveryBatch& batch, Job& job, int body) {
    job.stored = 0;
    Status status = batch.begin(job.base);
    if (status)
        status = stored_form(*job.message, body, [&](std::string_view piece) {
            job.stored += piece.size();
            return batch.write(piece);
        });
    if (status) status = batch.end();
    if (!status) batch.refuse(status.error());
}

// ---- quota ----

std::optional<MailboxSpace> MailboxWriter::space() const {
    if (!limits_.quota.any()) return std::nullopt;
    return MailboxSpace{left(limits_.quota.octets, quota_.used().octets),
                        left(limits_.quota.messages, quota_.used().messages), limits_.reject};
}

RowResult MailboxWriter::over_quota(const Job& job) const {
    std::string text = "mailbox full: there is no room for this message of " + std::to_string(job.stored) +
                       " octets until mail is deleted there (in use: " + std::to_string(quota_.used().octets);
    if (limits_.quota.octets != 0) text += " of " + std::to_string(limits_.quota.octets);
    text += " octets, " + std::to_string(quota_.used().messages);
    if (limits_.quota.messages != 0) text += " of " + std::to_string(limits_.quota.messages);
    text += " messages)";
    if (limits_.reject) return {job.row->row, RowOutcome::failed, "5.2.2", text, ""};
    return {job.row->row, RowOutcome::deferred, "4.2.2", text, ""};
}

// What does not fit is answered and never written. A mailbox that cannot be counted takes everything: mail must not
// wait for that.
void MailboxWriter::refuse_over_quota(std::vector<Job>& jobs, std::vector<RowResult>& results, int body) {
    if (!limits_.quota.any()) return;
    if (const Status known = quota_.load(); !known) {
        log(event::mailbox_error, {{"name", store::quota_file_name}, {"error", known.error().describe()}});
        return;
    }
    std::vector<Job> rest;
    for (Job& job : jobs) {
        const Status readable = stored_form(*job.message, body, [&](std::string_view piece) -> Status {
            job.stored += piece.size();
            return {};
        });
        if (readable && !quota_.fits(job.stored)) (void)quota_.recount_if_stale(clock_.unix_now());
        if (readable && !quota_.fits(job.stored)) {
            results.push_back(over_quota(job));
            continue;
        }
        quota_.reserve(job.stored);
        rest.push_back(std::move(job));
    }
    jobs = std::move(rest);
}

void MailboxWriter::note_stored(const std::vector<Job>& jobs, const std::vector<Status>& committed) {
    std::int64_t octets = 0;
    std::int64_t messages = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (committed[i]) {
            octets += static_cast<std::int64_t>(jobs[i].stored);
            ++messages;
        } else {
            quota_.release(jobs[i].stored);
        }
    }
    if (messages != 0) store::note_quota_change(maildir_, octets, messages);
}

// ---- all of it ----

std::vector<RowResult> MailboxWriter::deliver(const Lease& lease, int body) {
    std::vector<Job> jobs;
    for (const LeaseMessage& message : lease.messages)
        for (const LeaseRow& row : message.rows)
            jobs.push_back(
                {&message, &row, store::delivery_name(message.received, message.queue_id, row.row, hostname_), 0});
    std::vector<RowResult> results;
    find_old(jobs, results);
    refuse_over_quota(jobs, results, body);
    if (jobs.empty()) return results;
    const store::DataSync sync = sync_.choose(jobs.size());
    const std::int64_t began = clock_.unix_micros();
    store::DeliveryBatch batch(maildir_, sync);
    for (Job& job : jobs) write_message(batch, job, body);
    const std::vector<Status> committed = batch.commit();
    sync_.measured(sync, jobs.size(),
                   static_cast<std::uint64_t>(std::max<std::int64_t>(0, clock_.unix_micros() - began)));
    note_stored(jobs, committed);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const Status& status = committed[i];
        results.push_back(status ? delivered(jobs[i].row->row) : result_of_error(jobs[i].row->row, status.error()));
    }
    return results;
}

} // namespace posada::smtpd
