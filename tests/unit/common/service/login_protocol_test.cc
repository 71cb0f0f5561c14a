// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login_protocol.h"

#include <gtest/gtest.h>

using namespace posada;
using namespace posada::service;
using proto::LoginRefusal;

namespace {
LoginRefusal refusal(Errc code) { return login_refusal(Error{code, 0, "text"}); }
} // namespace

TEST(LoginProtocol, OnlyARefusedPasswordIsCalledWrong) {
    EXPECT_EQ(refusal(Errc::denied), LoginRefusal::denied);
    EXPECT_EQ(refusal(Errc::last_try), LoginRefusal::last_attempt);
    EXPECT_EQ(refusal(Errc::invalid), LoginRefusal::malformed);
    EXPECT_EQ(refusal(Errc::too_soon), LoginRefusal::too_soon);
}

// A client that hears "wrong" asks its user for another password.
TEST(LoginProtocol, WhateverElseFailsIsTemporary) {
    for (const Errc code : {Errc::busy, Errc::limit, Errc::timeout, Errc::closed, Errc::unavailable, Errc::io,
                            Errc::no_space, Errc::corrupt, Errc::protocol, Errc::not_found, Errc::exists})
        EXPECT_EQ(refusal(code), LoginRefusal::temporary);
}
