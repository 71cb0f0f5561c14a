// SPDX-License-Identifier: BSD-2-Clause
// Keywords of a folder: flags with names, "$Forwarded" or "invoice". The letters a-z in the flags of a message's name
// stand for them; which letter is which stands in `dovecot-keywords`, lines "0 $Forwarded", shared with Dovecot.
// Changed under UidlistLock only.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "common/store/maildir.h"
#include "common/store/uidlist_lock.h"

namespace posada::store {

inline constexpr const char* keywords_name = "dovecot-keywords";
constexpr std::size_t max_keywords = 26;
constexpr std::size_t max_keyword = 200; // octets

class Keywords {
  public:
    // Without the file there are none. Errc::corrupt: a line is not one, or a number or name is there twice.
    static Result<Keywords> load(const Maildir& maildir);
    static Result<Keywords> parse(std::string_view text);

    // The name that a letter stands for, "" = none. a is the first.
    [[nodiscard]] std::string_view name(char letter) const;
    [[nodiscard]] std::optional<char> letter(std::string_view name) const; // ignores ASCII case, as Dovecot does
    // The letter of this name, a new one if it has none. Errc::limit: all are given; Errc::invalid: no keyword.
    Result<char> add(std::string_view name);
    // On return the file is on stable storage.
    Status write(const Maildir& maildir, const UidlistLock& held) const;

  private:
    std::array<std::string, max_keywords> names_;
};

// RFC 3501: an atom; not a system flag, which starts with a backslash.
bool is_keyword(std::string_view text) noexcept;

} // namespace posada::store
