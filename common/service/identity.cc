// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/identity.h"

#include <pwd.h>
#include <unistd.h>

#include <string>

namespace posada::service {

constexpr std::string_view roles[] = {"smtpd", "subm",    "check", "queue",  "relay",  "resolve", "pop3d",
                                      "ftpd",  "telnetd", "talkd", "lookup", "signer", "anonftp"};

Result<Identity> service_identity(std::string_view role, uid_t uid_base) {
    if (::geteuid() != 0) return Identity{::geteuid(), ::getegid()};
    if (uid_base != 0) {
        for (std::size_t i = 0; i < std::size(roles); ++i) {
            const auto id = static_cast<uid_t>(uid_base + i);
            if (roles[i] == role) return Identity{id, static_cast<gid_t>(id)};
        }
        return Error{Errc::not_found, 0, "no uid offset for role " + std::string(role)};
    }
    const std::string name = "_posada-" + std::string(role);
    const passwd* account = ::getpwnam(name.c_str());
    if (account == nullptr)
        return Error{Errc::not_found, 0, "no account " + name + "; create it with: systemd-sysusers posada.conf"};
    if (account->pw_uid == 0) return Error{Errc::denied, 0, "account " + name + " is root"};
    return Identity{account->pw_uid, account->pw_gid};
}

} // namespace posada::service
