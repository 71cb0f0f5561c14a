// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/rate.h"

#include <gtest/gtest.h>

namespace posada::ftp {

TEST(Rate, IsOneMeasureForAllThatMoves) {
    FakeClock clock;
    Rate rate;
    EXPECT_EQ(rate.spend(1'000'000, clock.now()), Millis(0));
    rate.set(10'000, 0);
    EXPECT_EQ(rate.spend(5'000, clock.now()), Millis(500));
    EXPECT_EQ(rate.spend(5'000, clock.now()), Millis(1'000));
    EXPECT_EQ(rate.bundle(), 1'250U);
    rate.set(0, 0);
    EXPECT_EQ(rate.spend(5'000, clock.now()), Millis(0));
}

TEST(Rate, GoesUpAndDownInSteps) {
    Rate rate;
    rate.step(3);
    EXPECT_EQ(rate.limit(), 0U); // there is none to go up from
    rate.set(10'000, 1'000);
    rate.step(5);
    EXPECT_EQ(rate.limit(), 12'000U);
    rate.step(5);
    EXPECT_EQ(rate.limit(), 12'000U);
    rate.step(-100);
    EXPECT_EQ(rate.limit(), 1U);
}

TEST(Rates, AreSetEachWayOrBoth) {
    Rates rates;
    EXPECT_TRUE(set_rates(rates, {"100K"}));
    EXPECT_EQ(rates.get.limit(), 102'400U);
    EXPECT_EQ(rates.put.limit(), 102'400U);
    EXPECT_EQ(rates.put.increment(), 1'024U);
    EXPECT_TRUE(set_rates(rates, {"get", "5", "2"}));
    EXPECT_EQ(rates.get.limit(), 5U);
    EXPECT_EQ(rates.get.increment(), 2U);
    EXPECT_EQ(rates.put.limit(), 102'400U);
    EXPECT_TRUE(set_rates(rates, {"all", "0"}));
    EXPECT_EQ(rates.put.limit(), 0U);
    for (const std::vector<std::string>& bad :
         {std::vector<std::string>{}, {"get"}, {"up", "5"}, {"x"}, {"5", "x"}, {"get", "5", "2", "1"}, {"-1"}})
        EXPECT_FALSE(set_rates(rates, bad));
}

} // namespace posada::ftp
