// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/hasher.h"

#include <gtest/gtest.h>

namespace posada::auth {
namespace {

TEST(Hasher, MakesYescryptThatItsPasswordOpensAndNoOther) {
    Hasher hasher(1);
    const auto hash = hasher.hash("correct horse");
    ASSERT_TRUE(hash.ok());
    EXPECT_EQ(hash->substr(0, 3), "$y$");
    EXPECT_TRUE(hasher.verify(*hash, "correct horse"));
    EXPECT_FALSE(hasher.verify(*hash, "correct horsf"));
    EXPECT_FALSE(hasher.verify(*hash, "correct hors"));
    EXPECT_FALSE(hasher.verify(*hash, ""));
}

TEST(Hasher, TheSamePasswordHashesDifferentlyEveryTime) {
    Hasher hasher(1);
    EXPECT_NE(*hasher.hash("x1"), *hasher.hash("x1"));
}

TEST(Hasher, TheDefaultCostIsTheLibrarysYescryptDefault) {
    Hasher hasher;
    EXPECT_EQ(hasher.hash("correct horse")->substr(0, 7), "$y$j9T$");
}

TEST(Hasher, EveryVerificationCostsExactlyOneHash) {
    Hasher hasher(1);
    const std::string hash = *hasher.hash("secret");
    const std::uint64_t before = hasher.calls();
    static_cast<void>(hasher.verify(hash, "secret"));
    EXPECT_EQ(hasher.calls(), before + 1);
    static_cast<void>(hasher.verify(hash, "wrong"));
    EXPECT_EQ(hasher.calls(), before + 2);
    static_cast<void>(hasher.verify("not a hash", "wrong"));
    EXPECT_EQ(hasher.calls(), before + 3);
    static_cast<void>(hasher.verify(hash, std::string(600, 'x')));
    EXPECT_EQ(hasher.calls(), before + 4);
    hasher.junk("wrong");
    EXPECT_EQ(hasher.calls(), before + 5);
}

TEST(Hasher, ANulNeverTruncatesAPassword) {
    Hasher hasher(1);
    const std::string hash = *hasher.hash("secret");
    EXPECT_FALSE(hasher.verify(hash, std::string("secret\0", 7)));
    EXPECT_FALSE(hasher.verify(hash, std::string("secret\0more", 11)));
    EXPECT_FALSE(hasher.hash(std::string("a\0b", 3)).ok());
}

TEST(Hasher, A511BytePasswordWorksAndALongerOneIsRefusedNotCut) {
    Hasher hasher(1);
    const std::string longest(511, 'k');
    const auto hash = hasher.hash(longest);
    ASSERT_TRUE(hash.ok());
    EXPECT_TRUE(hasher.verify(*hash, longest));
    EXPECT_FALSE(hasher.verify(*hash, longest + "k"));
    EXPECT_FALSE(hasher.verify(*hash, std::string(5000, 'k')));
    EXPECT_EQ(hasher.hash(longest + "k").error().code, Errc::invalid);
    EXPECT_EQ(hasher.hash("").error().code, Errc::invalid);
}

TEST(Hasher, EightBitPasswordsAreBytes) {
    Hasher hasher(1);
    const auto hash = hasher.hash("\xff\xfe\xc3\xa9");
    ASSERT_TRUE(hash.ok());
    EXPECT_TRUE(hasher.verify(*hash, "\xff\xfe\xc3\xa9"));
    EXPECT_FALSE(hasher.verify(*hash, "\xff\xfe\xc3\xa8"));
}

TEST(Hasher, WeakOrUnknownFormsNeverMatchAnything) {
    Hasher hasher(1);
    // DES, MD5 and NT of "secret", plain text, locked marks.
    for (const char* weak : {"secret", "*", "!", "!!", "x", "", "abNANd1rDfiNc", "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
                             "$3$$878d8014606cda29677a44efa1353fc7", "$nonsense$"}) {
        EXPECT_FALSE(Hasher::acceptable(weak)) << weak;
        EXPECT_FALSE(hasher.verify(weak, "secret")) << weak;
    }
    EXPECT_TRUE(Hasher::acceptable(*hasher.hash("x")));
    EXPECT_TRUE(
        Hasher::acceptable("$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0"
                           "ktL3nh/"));
}

} // namespace
} // namespace posada::auth
