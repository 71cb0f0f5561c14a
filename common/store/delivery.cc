// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/delivery.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/store/maildir_name.h"

namespace posada::store {

namespace {
constexpr int create_flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t message_mode = 0600;

Status check_base(std::string_view base) {
    if (!base.empty() && base.front() != '.' && base.find_first_of("/:,") == std::string_view::npos) return {};
    return Error{Errc::invalid, 0, "not a base name: " + std::string(base)};
}
} // namespace

DeliveryBatch::~DeliveryBatch() {
    if (file_ >= 0) maildir_.ops().close(file_);
    for (Message& message : messages_) drop(message);
}

void DeliveryBatch::drop(Message& message) {
    if (!message.in_tmp) return;
    maildir_.ops().unlink_at(maildir_.folder(Folder::tmp), message.base.c_str(), 0);
    message.in_tmp = false;
}

Status DeliveryBatch::fail(Message& message, Error error) {
    if (message.status) message.status = error;
    drop(message);
    return error;
}

Status DeliveryBatch::begin(std::string_view base) {
    Message& message = messages_.emplace_back();
    message.base = message.final = base;
    if (auto good = check_base(base); !good) return fail(message, good.error());
    const FileOps& ops = maildir_.ops();
    const int tmp = maildir_.folder(Folder::tmp);
    file_ = ops.open_at(tmp, message.base.c_str(), create_flags, message_mode);
    if (file_ < 0 && errno == EEXIST && ops.unlink_at(tmp, message.base.c_str(), 0) == 0)
        file_ = ops.open_at(tmp, message.base.c_str(), create_flags, message_mode);
    if (file_ < 0) return fail(message, errno_error("tmp/" + message.base));
    message.in_tmp = true;
    return {};
}

Status DeliveryBatch::write(std::string_view bytes) {
    if (messages_.empty() || file_ < 0) return Error{Errc::invalid, 0, "no message under way"};
    Message& message = messages_.back();
    if (!message.status) return message.status;
    message.measure.add(bytes);
    if (auto written = write_all(maildir_.ops(), file_, bytes); !written) return fail(message, written.error());
    return {};
}

Status DeliveryBatch::file(Message& message, const Filing& filing) {
    if (!filing.base.empty()) {
        RETURN_IF_ERROR(check_base(filing.base));
        message.final = filing.base;
    }
    message.into_cur = filing.into_cur;
    message.flags = filing.flags;
    if (!filing.received) return {};
    const timespec times[2] = {{*filing.received, 0}, {*filing.received, 0}};
    return ::futimens(file_, times) == 0 ? Status() : errno_error("futimens");
}

Status DeliveryBatch::end(const Filing& filing) {
    if (messages_.empty() || file_ < 0) return Error{Errc::invalid, 0, "no message under way"};
    Message& message = messages_.back();
    const FileOps& ops = maildir_.ops();
    if (message.status)
        if (auto filed = file(message, filing); !filed) (void)fail(message, filed.error());
    if (message.status && sync_ == DataSync::each_file)
        if (auto synced = sync_file(ops, file_, message.base); !synced) (void)fail(message, synced.error());
    if (ops.close(file_) != 0 && message.status) (void)fail(message, errno_error("close"));
    file_ = -1;
    return message.status;
}

void DeliveryBatch::refuse(Error reason) {
    if (messages_.empty() || file_ < 0) return;
    (void)fail(messages_.back(), std::move(reason));
    (void)end();
}

// syncfs reports write-back errors of the file system since our descriptor was opened, which was before the batch.
void DeliveryBatch::sync_data() {
    if (sync_ == DataSync::each_file) return;
    if (maildir_.ops().syncfs(maildir_.folder(Folder::tmp)) == 0) return;
    const Error error = errno_error("syncfs");
    for (Message& message : messages_) (void)fail(message, error);
}

void DeliveryBatch::publish(Message& message) {
    std::optional<std::uint64_t> crlf_size;
    if (message.measure.sent() == message.measure.virtual_size()) crlf_size = message.measure.sent();
    std::string name = with_sizes(message.final, message.measure.stored(), crlf_size);
    if (message.into_cur) name += ":2," + message.flags;
    const Folder folder = message.into_cur ? Folder::cur : Folder::fresh;
    const int renamed = maildir_.ops().rename_at(maildir_.folder(Folder::tmp), message.base.c_str(),
                                                 maildir_.folder(folder), name.c_str());
    if (renamed != 0) {
        (void)fail(message, errno_error("rename to " + (folder_name(folder) + ("/" + name))));
    } else {
        message.in_tmp = false;
    }
}

void DeliveryBatch::sync_directory(Folder folder) {
    const auto concerns = [&](const Message& m) { return m.status.ok() && m.into_cur == (folder == Folder::cur); };
    if (std::none_of(messages_.begin(), messages_.end(), concerns)) return;
    const auto synced = sync_file(maildir_.ops(), maildir_.folder(folder), folder_name(folder));
    if (synced) return;
    for (Message& message : messages_)
        if (concerns(message)) message.status = synced.error();
}

std::vector<Status> DeliveryBatch::commit() {
    if (file_ >= 0) (void)end();
    const auto good = [](const Message& m) { return m.status.ok(); };
    if (std::any_of(messages_.begin(), messages_.end(), good)) sync_data();
    for (Message& message : messages_)
        if (message.status) publish(message);
    for (const Folder folder : {Folder::fresh, Folder::cur}) sync_directory(folder);
    std::vector<Status> out;
    for (Message& message : messages_) out.push_back(std::move(message.status));
    messages_.clear();
    return out;
}

} // namespace posada::store
