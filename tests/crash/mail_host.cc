// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/mail_host.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "tests/crash/recorder.h"

namespace posada::crash {

using namespace posada::smtpd;

namespace {

UniqueFd memfd_of(std::string_view text) {
    UniqueFd fd(::memfd_create("part", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd.valid() || !write_all(fd.get(), text)) std::abort();
    return fd;
}

std::string without_cr(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c != '\r') out += c;
    return out;
}

} // namespace

std::string MailHost::wire_form(unsigned token, std::size_t size) {
    std::string text = "From: <lir@micasa.test>\r\nX-Token: " + std::to_string(token) + "\r\n\r\n";
    while (text.size() + 80 < size)
        text += "line " + std::to_string(text.size()) + " of " + std::to_string(token) + "\r\n";
    return text + "end of " + std::to_string(token) + "\r\n";
}

std::string MailHost::stored_form(unsigned token, std::size_t size, const std::string& sender) {
    return "Return-Path: <" + sender + ">\n" + without_cr(wire_form(token, size));
}

Result<std::unique_ptr<MailHost>> MailHost::open(const std::string& root) {
    std::unique_ptr<MailHost> host(new MailHost(root));
    for (const char* user : {"daniel", "lir"}) {
        auto maildir = store::Maildir::open_or_create(root + "/" + user);
        if (!maildir) return maildir.error();
    }
    auto spool = Spool::open(root + "/state", host->clock_);
    if (!spool) return spool.error();
    host->spool_ = spool->get();
    QueueConfig config;
    config.hostname = "mx.micasa.test";
    config.domains = {std::string(domain)};
    host->queue_ = std::make_unique<Queue>(std::move(config), std::move(*spool), host->clock_);
    RETURN_IF_ERROR(host->queue_->pump());
    return host;
}

void MailHost::submit(unsigned token, const std::vector<std::string>& users, std::size_t size,
                      const std::string& sender) {
    const std::string text = wire_form(token, size);
    Envelope envelope;
    envelope.sender = sender;
    envelope.size = text.size();
    for (const std::string& user : users)
        envelope.recipients.push_back({user + "@" + std::string(domain), RecipientKind::local});
    Incoming incoming;
    std::string_view rest = text;
    for (; rest.size() > max_memfd; rest.remove_prefix(max_memfd))
        queue_->add_part(incoming, memfd_of(rest.substr(0, max_memfd)).get());
    queue_->submit(std::move(incoming), memfd_of(rest).get(), std::move(envelope),
                   [token](const Result<std::string>& id) {
                       if (id) record_mark("ack " + std::to_string(token));
                   });
}

Status MailHost::flush() {
    const std::vector<std::string> failing = std::exchange(failing_, {});
    RETURN_IF_ERROR(queue_->flush());
    for (const std::string& mark : failing) record_mark(mark);
    return {};
}

Result<std::vector<RowResult>> MailHost::deliver(const Lease& lease, int body) {
    const std::string user = lease.destination.substr(0, lease.destination.rfind('@'));
    std::vector<RowResult> results;
    if (user == "gone" || (user == "slow" && slow)) {
        const Error error{user == "gone" ? Errc::not_found : Errc::no_space, 0, "scripted"};
        for (const LeaseMessage& message : lease.messages)
            for (const LeaseRow& row : message.rows) results.push_back(result_of_error(row.row, error));
        return results;
    }
    auto maildir = store::Maildir::open(root_ + "/" + (user == "slow" ? "lir" : user));
    if (!maildir) return maildir.error();
    MailboxWriter writer(std::move(*maildir), "mx.micasa.test", clock_);
    return writer.deliver(lease, body);
}

Result<bool> MailHost::deliver_one() {
    std::optional<Lease> leased;
    UniqueFd body;
    const std::uint64_t number = ++last_lease_;
    queue_->lease(1, number, RecipientKind::local, 100, [&](const Lease& lease, const UniqueFd& octets) {
        leased = lease;
        auto copy = duplicate_fd(octets.get());
        if (copy) body = std::move(*copy);
    });
    RETURN_IF_ERROR(queue_->pump());
    if (!leased) {
        queue_->drop_holder(1);
        return false;
    }
    auto results = deliver(*leased, body.get());
    if (!results) return results.error();
    for (const LeaseMessage& message : leased->messages)
        if (leased->destination.rfind("gone@", 0) == 0) failing_.push_back("failed " + message.queue_id);
    queue_->done(1, number, {std::move(*results), {}});
    return true;
}

Status MailHost::deliver_all() {
    for (;;) {
        auto more = deliver_one();
        if (!more) return more.error();
        if (*more) continue;
        if (!queue_->has_results()) return {};
        RETURN_IF_ERROR(flush()); // a report to a sender may be among it
    }
}

Status MailHost::retry_deferred() {
    auto rows = queue_->retry_now("");
    if (!rows) return rows.error();
    return deliver_all();
}

Status MailHost::checkpoint() { return spool_->checkpoint(); }

} // namespace posada::crash
