// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/uidvalidity.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cstdio>

#include "common/base/text.h"
#include "common/store/directory.h"
#include "common/store/replace_file.h"

namespace posada::store {

namespace {

constexpr std::string_view note_prefix = "dovecot-uidvalidity.";
constexpr std::size_t hex_digits = 8;

std::string hex8(std::uint32_t number) {
    char text[hex_digits + 1];
    std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(number));
    return text;
}

std::uint32_t parse_hex8(std::string_view text) {
    const auto bytes = unhex(text);
    if (!bytes || bytes->size() != 4) return 0;
    std::uint32_t out = 0;
    for (const char byte : *bytes) out = (out << 8) | static_cast<unsigned char>(byte);
    return out;
}

} // namespace

// The file's name is what counts; Dovecot reads the other one first, to find it without reading the directory.
Result<std::uint32_t> next_uidvalidity(const Maildir& maildir, std::uint32_t before) {
    std::vector<std::string> notes;
    RETURN_IF_ERROR(read_directory(maildir.root(), "mailbox", [&](std::string_view name, bool regular) {
        if (regular && name.starts_with(note_prefix)) notes.emplace_back(name);
    }));
    std::uint32_t last = before;
    for (const std::string& note : notes) last = std::max(last, parse_hex8(note.substr(note_prefix.size())));
    if (last == UINT32_MAX) last = 0; // there is no greater one: somebody wrote this, it was never counted up to
    const std::uint32_t next = std::max(last + 1, static_cast<std::uint32_t>(::time(nullptr)));
    const auto noted = replace_file(maildir, std::string(note_prefix) + hex8(next), "", FileSync::no);
    if (!noted) return noted.error();
    const auto hint = replace_file(maildir, "dovecot-uidvalidity", hex8(next), FileSync::yes);
    if (!hint) return hint.error();
    for (const std::string& note : notes) maildir.ops().unlink_at(maildir.root(), note.c_str(), 0);
    return next;
}

std::string new_mailbox_guid() {
    char bytes[16];
    if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return {};
    return hex({bytes, sizeof bytes});
}

} // namespace posada::store
