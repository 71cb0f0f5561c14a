// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/name_rules.h"

#include <gtest/gtest.h>

namespace posada::ftp {

TEST(NameRules, SmallLettersOnlyWhereThereAreNone) {
    EXPECT_EQ(lower_if_all_upper("README.TXT"), "readme.txt");
    EXPECT_EQ(lower_if_all_upper("README.txt"), "README.txt");
    EXPECT_EQ(lower_if_all_upper("123"), "123");
}

TEST(NameRules, OctetsAreTranslatedOrLeftOut) {
    EXPECT_EQ(translate({" :", "_"}, "a b:c"), "a_bc");
    EXPECT_EQ(translate({}, "a b"), "a b");
    EXPECT_EQ(translate({"ab", "ba"}, "abc"), "bac");
}

// The examples of the manual of 4.2BSD.
TEST(NameRules, NamesAreTakenApartAndPutTogether) {
    EXPECT_EQ(map_name({"$1.$2", "$1"}, "mydata.data"), "mydata");
    EXPECT_EQ(map_name({"$1.$2.$3", "[$1,$2].[$2,file]"}, "myfile.data"), "myfile.data");
    EXPECT_EQ(map_name({"$1.$2.$3", "[$1,$2].[$2,file]"}, "myfile.data.old"), "myfile.data");
    EXPECT_EQ(map_name({"$1.$2.$3", "[$1,$2].[$2,file]"}, "myfile"), "myfile.file");
    EXPECT_EQ(map_name({"$1.$2.$3", "[$1,$2].[$2,file]"}, ".myfile"), "myfile.myfile");
    EXPECT_EQ(map_name({"$1.$2", "$0.bak"}, "a.b"), "a.b.bak");
    EXPECT_EQ(map_name({"IMG_$1", "$1"}, "IMG_7.jpg"), "7.jpg");
    EXPECT_EQ(map_name({"IMG_$1", "x$1"}, "DSC_7.jpg"), "x");
    EXPECT_EQ(map_name({"$1\\$$2", "$2\\$\\[$1\\]"}, "a$b"), "b$[a]");
    EXPECT_EQ(map_name({}, "a"), "a");
}

TEST(NameRules, PatternsThatBreakOffAreReadAsFarAsTheyGo) {
    for (const char* bad : {"$", "\\", "[", "[$1", "[$1,", "[,", "$1$2$", "[]", "]", ",", "[$1,$2", "\\["}) {
        (void)map_name({bad, bad}, "name");
        (void)map_name({"$1", bad}, "name");
    }
    EXPECT_EQ(map_name({"$1", "[$1"}, "a"), "a");
    EXPECT_EQ(map_name({"$1", "$"}, "a"), "$");
}

} // namespace posada::ftp
