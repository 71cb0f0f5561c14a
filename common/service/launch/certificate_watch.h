// SPDX-License-Identifier: BSD-2-Clause
// Notices that a certificate or key was replaced, without looking every few seconds: inotify on the directories of the
// files, and on those that symbolic links lead to. File systems that tell nothing (NFS) need a SIGHUP.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/io/loop.h"

namespace posada::service {

class CertificateWatch {
  public:
    // on_change: one of the files is another one than before; a second after the first sign of it, so that chain and
    // key of one renewal are seen together.
    CertificateWatch(io::Loop& loop, std::function<void()> on_change);

    // These files, as they are now, and no others from now on. Where inotify cannot watch one of their directories they
    // are looked at every ten seconds instead.
    void watch(std::vector<std::string> files);

  private:
    void look();
    void drain();
    [[nodiscard]] bool add_directories();
    [[nodiscard]] std::string stamp() const;

    std::function<void()> on_change_;
    std::vector<std::string> files_;
    std::string stamp_;
    UniqueFd inotify_;
    io::Loop& loop_;
    io::Timer settle_;
    std::unique_ptr<io::Watch> readable_;
};

} // namespace posada::service
