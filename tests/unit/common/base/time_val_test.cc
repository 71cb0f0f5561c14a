// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/time_val.h"

#include <gtest/gtest.h>

using namespace posada;

TEST(TimeVal, GoesThereAndBack) {
    for (const UnixTime t : {0LL, 951'782'400LL, 1'795'386'240LL, 253'402'300'799LL})
        EXPECT_EQ(parse_time_val(print_time_val(t)), t);
    EXPECT_EQ(print_time_val(1'795'386'240), "20261122222400");
    EXPECT_EQ(print_time_val(253'402'300'800), "19700101000000") << "the year 10000";
}

TEST(TimeVal, RefusesWhatNoCalendarHas) {
    for (const char* bad : {"", "2026", "00000101000000", "20261301000000", "20260230000000", "20260101240000",
                            "20260101006000", "20260101000061", "19691231235959", "2026112222240x", "20261122222400.",
                            "20261122222400.x", "-0261122222400", "202611222224001"})
        EXPECT_FALSE(parse_time_val(bad)) << bad;
    EXPECT_EQ(parse_time_val("20261122222400.123"), 1'795'386'240);
    EXPECT_EQ(parse_time_val("20240229000000"), 1'709'164'800);
}
