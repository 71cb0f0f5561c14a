// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/classes.h"

#include <gtest/gtest.h>

#include "ftpd/class_sessions.h"

using namespace posada;
using namespace posada::ftpd;

namespace {

io::Address at(std::string_view ip) { return *io::Address::parse(ip, 0); }

FtpOptions three_classes() {
    FtpOptions out;
    ClientClass office;
    office.name = "office";
    office.clients = {*io::Network::parse("10.0.0.0/8")};
    office.users = {"daniel"};
    ClientClass guests;
    guests.name = "guests";
    guests.users = {"anonymous"};
    ClientClass rest;
    rest.name = "rest";
    out.classes = {office, guests, rest};
    return out;
}

} // namespace

TEST(Classes, TheFirstThatFitsCounts) {
    FtpOptions options = three_classes();
    EXPECT_EQ(class_of(options, "daniel", at("10.1.2.3")).name, "office");
    EXPECT_EQ(class_of(options, "daniel", at("192.0.2.1")).name, "rest");
    EXPECT_EQ(class_of(options, "anonymous", at("10.1.2.3")).name, "guests");
    options.classes.pop_back();
    EXPECT_EQ(class_of(options, "daniel", at("192.0.2.1")).name, "");
}

TEST(Classes, WhoIsAnonymous) {
    EXPECT_TRUE(names_anonymous("anonymous"));
    EXPECT_TRUE(names_anonymous("FTP"));
    EXPECT_FALSE(names_anonymous("ftpuser"));
    EXPECT_FALSE(names_anonymous(""));
}

TEST(Classes, ABoxHoldsWhatIsBelowIt) {
    const std::vector<UploadBox> boxes{{"/incoming", 0600, false, ""}};
    EXPECT_NE(box_around(boxes, "/incoming"), nullptr);
    EXPECT_NE(box_around(boxes, "/incoming/a/b"), nullptr);
    EXPECT_EQ(box_around(boxes, "/incoming2"), nullptr);
    EXPECT_EQ(box_around(boxes, "/"), nullptr);
}

TEST(Classes, TopsHaveTheAccountInThem) {
    EXPECT_EQ(expand_top("/srv/%u/files", "lir"), "/srv/lir/files");
    EXPECT_EQ(expand_top("/srv/%u/%u", "%u"), "/srv/%u/%u");
}

TEST(ClassSessions, AClassAndAnAccountHaveTheirPlaces) {
    ClientClass one;
    one.name = "guests";
    one.max_sessions = 3;
    one.max_sessions_per_user = 2;
    auto sessions = ClassSessions::open("", {one});
    ASSERT_TRUE(sessions.ok());
    auto first = sessions->enter(one, "a", Instant());
    auto second = sessions->enter(one, "a", Instant());
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(sessions->enter(one, "a", Instant()).error().code, Errc::too_soon);
    const auto third = sessions->enter(one, "b", Instant());
    ASSERT_TRUE(third.ok());
    EXPECT_EQ(sessions->enter(one, "c", Instant()).error().code, Errc::too_soon);
    *second = ClassSessions::Place();
    EXPECT_TRUE(sessions->enter(one, "c", Instant()).ok());
}

TEST(ClassSessions, WithoutALimitNobodyIsCounted) {
    ClientClass one;
    one.name = "all";
    auto sessions = ClassSessions::open("", {one});
    ASSERT_TRUE(sessions.ok());
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(sessions->enter(one, "a", Instant()).ok());
}
