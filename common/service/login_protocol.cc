// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login_protocol.h"

namespace posada::service {

proto::LoginRefusal login_refusal(const Error& error) {
    using proto::LoginRefusal;
    if (error.code == Errc::invalid) return LoginRefusal::malformed;
    if (error.code == Errc::too_soon) return LoginRefusal::too_soon;
    if (error.code == Errc::last_try) return LoginRefusal::last_attempt;
    return error.code == Errc::denied ? LoginRefusal::denied : LoginRefusal::temporary;
}

} // namespace posada::service
