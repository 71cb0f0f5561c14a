// SPDX-License-Identifier: BSD-2-Clause
// A scratch directory and the small things that tests of spool and queue share.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <filesystem>
#include <string>

#include "common/base/fd.h"
#include "smtpd/queue_protocol.h"

namespace posada::smtpd {

class ScratchDirectory {
  public:
    ScratchDirectory() {
        char pattern[] = "/tmp/posada-spool-XXXXXX";
        path_ = ::mkdtemp(pattern);
    }
    ~ScratchDirectory() { std::filesystem::remove_all(path_); }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

inline Envelope envelope_to(const std::vector<std::string>& addresses, std::uint64_t size,
                            const std::string& sender = "lir@micasa.test") {
    Envelope envelope;
    envelope.sender = sender;
    envelope.size = size;
    envelope.client_ip = "192.0.2.7";
    for (const std::string& address : addresses) {
        const bool local = address.find("@micasa.test") != std::string::npos;
        envelope.recipients.push_back({address, local ? RecipientKind::local : RecipientKind::route});
    }
    return envelope;
}

inline UniqueFd memfd_with(std::string_view text) {
    UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_TRUE(write_all(fd.get(), text));
    return fd;
}

} // namespace posada::smtpd
