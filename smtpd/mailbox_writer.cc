// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/mailbox_writer.h"

#include <unistd.h>

#include <algorithm>
#include <array>

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
        return {row, RowOutcome::deferred, "4.2.0", "the mailbox cannot be written: " + error.describe(), ""};
    case Errc::no_space: return {row, RowOutcome::deferred, "4.2.2", "mailbox or disk is full", ""};
    case Errc::timeout: return {row, RowOutcome::deferred, "4.4.1", "the delivery took too long", ""};
    case Errc::invalid:
    case Errc::exists:
    case Errc::busy:
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
void MailboxWriter::find_old(std::vector<Job>& jobs, std::vector<RowResult>& results) const {
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
}

Status MailboxWriter::write_body(store::DeliveryBatch& batch, const LeaseMessage& message, int body) {
    std::array<char, 64 * 1024> buffer;
    LineEnds lines;
    std::uint64_t at = message.offset;
    const std::uint64_t end = at + message.size;
    while (at < end) {
        const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
        const ssize_t n = ::pread(body, buffer.data(), want, static_cast<off_t>(at));
        if (n < 0) return errno_error("reading the spool's copy");
        if (n == 0) return Error{Errc::corrupt, 0, "the spool's copy is shorter than its row says"};
        RETURN_IF_ERROR(batch.write(lines.convert({buffer.data(), static_cast<std::size_t>(n)})));
        at += static_cast<std::uint64_t>(n);
    }
    return batch.write(lines.finish());
}

void MailboxWriter::write_message(store::DeliveryBatch& batch, const Job& job, int body) {
    Status status = batch.begin(job.base);
    if (status) status = batch.write("Return-Path: <" + job.message->sender + ">\n");
    if (status) status = write_body(batch, *job.message, body);
    if (status) status = batch.end();
    if (!status) batch.refuse(status.error());
}

std::vector<RowResult> MailboxWriter::deliver(const Lease& lease, int body) {
    std::vector<Job> jobs;
    for (const LeaseMessage& message : lease.messages)
        for (const LeaseRow& row : message.rows)
            jobs.push_back(
                {&message, &row, store::delivery_name(message.received, message.queue_id, row.row, hostname_)});
    std::vector<RowResult> results;
    find_old(jobs, results);
    if (jobs.empty()) return results;
    const store::DataSync sync = sync_.choose(jobs.size());
    const std::int64_t began = clock_.unix_micros();
    store::DeliveryBatch batch(maildir_, sync);
    for (const Job& job : jobs) write_message(batch, job, body);
    const std::vector<Status> committed = batch.commit();
    sync_.measured(sync, jobs.size(),
                   static_cast<std::uint64_t>(std::max<std::int64_t>(0, clock_.unix_micros() - began)));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const Status& status = committed[i];
        results.push_back(status ? delivered(jobs[i].row->row) : result_of_error(jobs[i].row->row, status.error()));
    }
    return results;
}

} // namespace posada::smtpd
