// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/transfer_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace posada::ftpd {

namespace {

std::string word(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') c = '_';
    return out.empty() ? "_" : out;
}

std::string date_of(UnixTime when) {
    const auto at = static_cast<time_t>(when);
    tm parts{};
    std::array<char, 32> text{};
    if (::localtime_r(&at, &parts) == nullptr) return "Thu Jan  1 00:00:00 1970";
    return {text.data(), ::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &parts)};
}

} // namespace

std::string transfer_line(const TransferRecord& record) {
    const std::int64_t seconds = std::max<std::int64_t>(1, std::chrono::duration_cast<Seconds>(record.took).count());
    std::string out = date_of(record.ended) + " " + std::to_string(seconds) + " " + word(record.client) + " ";
    out += std::to_string(record.octets) + " " + word(record.path) + (record.ascii ? " a" : " b");
    out += record.received ? " _ i " : " _ o ";
    out += std::string(1, record.access) + " " + word(record.user) + " ftp 0 * ";
    return out + (record.complete ? "c\n" : "i\n");
}

Status TransferLog::open() {
    struct stat named {};
    struct stat ours {};
    const bool there = ::stat(path_.c_str(), &named) == 0;
    if (there && file_.valid() && ::fstat(file_.get(), &ours) == 0 && named.st_ino == ours.st_ino &&
        named.st_dev == ours.st_dev)
        return {};
    file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640));
    return file_.valid() ? Status() : Status(errno_error(path_));
}

// One write: sessions of other processes have the same file.
Status TransferLog::add(const TransferRecord& record) {
    if (path_.empty()) return {};
    RETURN_IF_ERROR(open());
    return write_all(file_.get(), transfer_line(record));
}

} // namespace posada::ftpd
