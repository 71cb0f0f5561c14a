// SPDX-License-Identifier: BSD-2-Clause
// What `posada mailbox import` reads: an mbox that nobody changes meanwhile, a stream, or another Maildir.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/store/import.h"
#include "common/store/maildir.h"
#include "common/store/mbox.h"

namespace posada::ctl {

class MailSource {
  public:
    // path: "-" = standard input. Opens it with our rights. An mbox in a file is locked for reading, by fcntl(2) and,
    // where the directory lets us, by a dotlock `path.lock`; Errc::busy names what keeps us from it.
    static Result<MailSource> open(const std::string& path);
    MailSource(MailSource&& other) noexcept;
    MailSource& operator=(MailSource&&) = delete;
    ~MailSource(); // takes the dotlock away

    // The directory that must stay in reach; -1 = none.
    [[nodiscard]] int directory() const { return maildir_ ? maildir_->root() : -1; }
    // Everything to sink, until it ends or sink has failed. Errc::busy: the file was changed meanwhile.
    Status read(store::MailImport& sink, store::MboxQuoting quoting);

  private:
    MailSource() = default;
    Status open_mbox(const std::string& path);
    Status lock(const std::string& path);
    Status read_mbox(store::MailImport& sink, store::MboxQuoting quoting) const;
    Status read_maildir(store::MailImport& sink) const;

    UniqueFd file_;
    struct stat before_ {};
    std::string dotlock_; // ours, to be removed
    std::optional<store::Maildir> maildir_;
};

} // namespace posada::ctl
