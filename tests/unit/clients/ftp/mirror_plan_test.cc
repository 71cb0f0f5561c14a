// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/mirror_plan.h"

#include <gtest/gtest.h>

namespace posada::ftp {

static Entry file(const std::string& name, std::uint64_t size, UnixTime time, bool exact = true) {
    return Entry{name, Kind::file, size, time, exact, {}, ""};
}
static Entry of_kind(const std::string& name, Kind kind) { return Entry{name, kind, {}, {}, false, {}, ""}; }
static Listing listing(std::vector<Entry> entries) { return Listing{std::move(entries), {}, false}; }

static std::vector<std::string> names(const std::vector<Entry>& entries) {
    std::vector<std::string> out;
    for (const Entry& entry : entries) out.push_back(entry.name);
    return out;
}
static std::vector<std::string> names(const std::vector<Plan::File>& files) {
    std::vector<std::string> out;
    for (const Plan::File& each : files) out.push_back(each.source.name);
    return out;
}
using Names = std::vector<std::string>;

TEST(MirrorPlan, MovesWhatIsMissingOrDiffersInSizeOrIsNewer) {
    const Plan plan = plan_folder(listing({file("same", 5, 100), file("missing", 5, 100), file("longer", 6, 100),
                                           file("newer", 5, 101), file("older", 5, 99)}),
                                  listing({file("same", 5, 100), file("longer", 5, 100), file("newer", 5, 100),
                                           file("older", 5, 100), file("more", 1, 1)}),
                                  {});
    EXPECT_EQ(names(plan.move), (Names{"longer", "missing", "newer"}));
    EXPECT_EQ(plan.same, 2U);
    EXPECT_TRUE(plan.remove.empty());
    EXPECT_TRUE(plan.move[0].target);
    EXPECT_FALSE(plan.move[1].target);
}

TEST(MirrorPlan, ATimeThatIsAGuessDecidesNothing) {
    const Plan plan = plan_folder(listing({file("a", 5, 200, false)}), listing({file("a", 5, 100)}), {});
    EXPECT_EQ(plan.same, 1U);
    Entry unknown = file("a", 0, 100);
    unknown.size.reset();
    EXPECT_EQ(names(plan_folder(listing({unknown}), listing({file("a", 5, 100)}), {}).move), Names{"a"});
    EXPECT_EQ(names(plan_folder(listing({unknown}), listing({unknown}), {}).move), Names{"a"});
}

TEST(MirrorPlan, OnlyNewerLooksAtTheTimeAlone) {
    MirrorRules rules;
    rules.only_newer = true;
    const Plan plan = plan_folder(listing({file("newer", 5, 101), file("older", 6, 99), file("missing", 1, 1)}),
                                  listing({file("newer", 5, 100), file("older", 5, 100)}), rules);
    EXPECT_EQ(names(plan.move), (Names{"missing", "newer"}));
}

TEST(MirrorPlan, DirectoriesAreEnteredAndLinksLeftOut) {
    const Plan plan =
        plan_folder(listing({of_kind("d", Kind::directory), of_kind("new", Kind::directory), of_kind("l", Kind::link),
                             of_kind("fifo", Kind::other)}),
                    listing({of_kind("d", Kind::directory), of_kind("l", Kind::directory)}), {true, false, {}});
    ASSERT_EQ(plan.enter.size(), 2U);
    EXPECT_FALSE(plan.enter[0].missing);
    EXPECT_TRUE(plan.enter[1].missing);
    EXPECT_EQ(names(plan.left_out), (Names{"fifo", "l"}));
    EXPECT_TRUE(plan.remove.empty()); // what has the name of a link in the source stays too
}

TEST(MirrorPlan, WhatOnlyTheTargetHasGoesIfThatIsAskedFor) {
    const Listing source = listing({file("a", 5, 100)});
    const Listing target = listing({file("a", 4, 100), file("b", 1, 1), of_kind("d", Kind::directory),
                                    file("a.part", 1, 1), file("x.part", 1, 1), file("a.part.part", 1, 1)});
    EXPECT_TRUE(plan_folder(source, target, {}).remove.empty());
    EXPECT_EQ(names(plan_folder(source, target, {true, false, {}}).remove), (Names{"b", "d", "x.part"}));
    Listing doubtful = source;
    doubtful.refused.emplace_back("../b");
    EXPECT_TRUE(plan_folder(doubtful, target, {true, false, {}}).remove.empty());
}

TEST(MirrorPlan, AnotherKindOfTheSameNameIsInTheWay) {
    const Listing source = listing({file("a", 5, 100), of_kind("b", Kind::directory), file("c", 5, 100)});
    const Listing target = listing({of_kind("a", Kind::directory), file("b", 5, 100), of_kind("c", Kind::link)});
    const Plan careful = plan_folder(source, target, {});
    EXPECT_EQ(names(careful.in_the_way), (Names{"a", "b", "c"}));
    EXPECT_TRUE(careful.move.empty() && careful.enter.empty() && careful.remove.empty());
    const Plan plan = plan_folder(source, target, {true, false, {}});
    EXPECT_EQ(names(plan.remove), (Names{"a", "b", "c"}));
    EXPECT_EQ(names(plan.move), (Names{"a", "c"}));
    EXPECT_FALSE(plan.move[0].target);
    EXPECT_TRUE(plan.enter[0].missing);
}

TEST(MirrorPlan, WhatIsExcludedIsTouchedOnNeitherSide) {
    const Plan plan = plan_folder(listing({file("a.o", 5, 100), of_kind(".git", Kind::directory), file("a.c", 1, 1)}),
                                  listing({file("b.o", 5, 100)}), {true, false, {"*.o", ".git"}});
    EXPECT_EQ(names(plan.move), Names{"a.c"});
    EXPECT_TRUE(plan.enter.empty() && plan.remove.empty());
}

} // namespace posada::ftp
