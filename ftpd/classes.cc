// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/classes.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::ftpd {

namespace {

bool among(const std::vector<std::string>& users, std::string_view account) {
    return std::find(users.begin(), users.end(), account) != users.end();
}

} // namespace

bool names_anonymous(std::string_view user) { return iequals(user, anonymous_name) || iequals(user, "ftp"); }

const ClientClass& class_of(const FtpOptions& options, std::string_view account, const io::Address& client) {
    for (const ClientClass& one : options.classes) {
        const bool user_fits = one.users.empty() || among(one.users, account);
        if (user_fits && (one.clients.empty() || io::contains(one.clients, client))) return one;
    }
    static const ClientClass none;
    return none;
}

std::vector<UploadBox> boxes_of(const FtpOptions& options, std::string_view account) {
    std::vector<UploadBox> out;
    for (const UploadDirectory& one : options.upload)
        if (among(one.users, account)) out.push_back({one.path, mode_bits(one.mode), one.directories, one.owner});
    return out;
}

const UploadBox* box_around(const std::vector<UploadBox>& boxes, std::string_view path) {
    for (const UploadBox& box : boxes) {
        const std::string_view top = box.path;
        if (path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/')) return &box;
    }
    return nullptr;
}

std::string expand_top(std::string_view pattern, std::string_view account) {
    std::string out(pattern);
    for (std::size_t at = out.find("%u"); at != std::string::npos; at = out.find("%u", at + account.size()))
        out.replace(at, 2, account);
    return out;
}

} // namespace posada::ftpd
