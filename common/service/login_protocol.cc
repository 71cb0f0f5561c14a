// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login_protocol.h"

namespace posada::service {

proto::LoginRefusal login_refusal(const Error& error) {
    using proto::LoginRefusal;
    if (error.code == Errc::invalid) return LoginRefusal::malformed;
    if (error.code == Errc::busy && error.text == login_too_soon) return LoginRefusal::too_soon;
    if (error.code != Errc::denied) return LoginRefusal::temporary;
    return error.text == last_attempt ? LoginRefusal::last_attempt : LoginRefusal::denied;
}

} // namespace posada::service
