// SPDX-License-Identifier: BSD-2-Clause
// Who is of which class, and what that means for what may be done where. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ftpd/options.h"

namespace posada::ftpd {

constexpr std::string_view anonymous_name = "anonymous";
// What clients call it: "anonymous", and "ftp" of old ones.
bool names_anonymous(std::string_view user);

// The first [[ftpd.class]] that fits; one without any limit where none does. options outlive what is returned.
const ClientClass& class_of(const FtpOptions& options, std::string_view account, const io::Address& client);

// An upload directory of this user (UploadDirectory): new files can be made below it, and nothing else be done there.
struct UploadBox {
    std::string path; // as this user sees it
    std::uint32_t mode = 0600;
    bool directories = false;
    std::string owner{};
};
std::vector<UploadBox> boxes_of(const FtpOptions& options, std::string_view account);
// The one that this path, or what it names, is in; nullptr: none.
const UploadBox* box_around(const std::vector<UploadBox>& boxes, std::string_view path);
const UploadBox* box_around(std::vector<UploadBox>&& boxes, std::string_view path) = delete; // it would dangle

// "%u" is the account.
std::string expand_top(std::string_view pattern, std::string_view account);

} // namespace posada::ftpd
