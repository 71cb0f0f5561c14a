// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/base64.h"

#include <gtest/gtest.h>

namespace posada::proto {
namespace {

TEST(Base64, Rfc4648Vectors) {
    const char* vectors[][2] = {{"", ""},
                                {"f", "Zg=="},
                                {"fo", "Zm8="},
                                {"foo", "Zm9v"},
                                {"foob", "Zm9vYg=="},
                                {"fooba", "Zm9vYmE="},
                                {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) {
        EXPECT_EQ(base64_encode(plain), coded);
        EXPECT_EQ(base64_decode(coded, 100), plain);
    }
}

TEST(Base64, EveryByteAndLengthComesBack) {
    std::string all;
    for (int i = 0; i < 600; ++i) {
        EXPECT_EQ(base64_decode(base64_encode(all), 600), all);
        all += static_cast<char>(i * 7);
    }
}

// Reference list row 22 (CVE-2018-6789): lengths 4n+1..3, bad characters.
TEST(Base64, RefusesWhatItWouldNotWrite) {
    for (const char* bad : {"Z",    "Zg",         "Zg=",      "Zm9vY",    "Zm9vYg", "Zm9vYg=", "====",     "=",
                            "==",   "Z===",       "Zg==Zg==", "Zm8=Zm8=", " Zg==",  "Zg==\n",  "Zm9v\r\n", "Zm-v",
                            "Zm_v", "Zm\xc3\xb1", "Zh==",     "Zm9=",     "Z=g=",   "=Zg="})
        EXPECT_EQ(base64_decode(bad, 100), std::nullopt) << bad;
    EXPECT_EQ(base64_decode(std::string_view("Zm\0v", 4), 100), std::nullopt);
}

TEST(Base64, BoundsTheResult) {
    EXPECT_EQ(base64_decode("Zm9v", 3), "foo");
    EXPECT_EQ(base64_decode("Zm9v", 2), std::nullopt);
    EXPECT_EQ(base64_decode("Zm8=", 2), "fo");
    EXPECT_EQ(base64_decode(std::string(1 << 20, 'A'), 4096), std::nullopt);
}

} // namespace
} // namespace posada::proto
