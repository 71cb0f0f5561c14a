// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/base/sanitized.h"
#include "common/base/secret.h"
#include "common/base/text.h"

namespace posada {
namespace {

TEST(Result, CarriesValueOrError) {
    const Result<int> good = 7;
    EXPECT_TRUE(good);
    EXPECT_EQ(*good, 7);
    const Result<int> bad = Error{Errc::busy, 0, "later"};
    EXPECT_FALSE(bad);
    EXPECT_EQ(bad.error().describe(), "later");
}

TEST(Result, ErrnoBecomesWhatTheCallerCanDo) {
    EXPECT_EQ(errno_error("x", ENOSPC).code, Errc::no_space);
    EXPECT_EQ(errno_error("x", EDQUOT).code, Errc::no_space);
    EXPECT_EQ(errno_error("x", EMFILE).code, Errc::limit);
    EXPECT_EQ(errno_error("open", ENOENT).describe(), "open: No such file or directory");
}

TEST(Bytes, RoundTripsEveryKind) {
    Writer w;
    w.u8(1);
    w.u16(0x1234);
    w.u32(0xDEADBEEF);
    w.u64(0x0123456789ABCDEFULL);
    w.boolean(true);
    w.str("a\0b");
    w.blob(std::string(70'000, 'x'));
    Reader r(w.bytes());
    EXPECT_EQ(r.u8(), 1);
    EXPECT_EQ(r.u16(), 0x1234);
    EXPECT_EQ(r.u32(), 0xDEADBEEFU);
    EXPECT_EQ(r.u64(), 0x0123456789ABCDEFULL);
    EXPECT_TRUE(r.boolean());
    EXPECT_EQ(r.str(), "a");
    EXPECT_EQ(r.blob().size(), 70'000U);
    EXPECT_TRUE(r.finish());
}

TEST(Bytes, EveryTruncationIsRefused) {
    Writer w;
    w.u32(5);
    w.str("hello");
    w.blob("world");
    for (std::size_t n = 0; n < w.bytes().size(); ++n) {
        Reader r(std::string_view(w.bytes()).substr(0, n));
        r.u32();
        r.str();
        r.blob();
        EXPECT_FALSE(r.finish()) << n;
    }
}

TEST(Bytes, ATailIsABreachNotIgnored) {
    Reader r("\x01\x02");
    r.u8();
    EXPECT_FALSE(r.finish());
}

TEST(Bytes, ABooleanIsZeroOrOne) {
    Reader r("\x02");
    r.boolean();
    EXPECT_TRUE(r.failed());
}

TEST(Text, ParseUintTakesDigitsOnly) {
    EXPECT_EQ(parse_uint("18446744073709551615"), 18446744073709551615ULL);
    for (const char* bad : {"", " 1", "+1", "-1", "1 ", "0x1", "18446744073709551616", "1\n"})
        EXPECT_FALSE(parse_uint(bad)) << bad;
}

TEST(Text, SplitWordDropsTheBlanksBetween) {
    EXPECT_EQ(split_word("RETR   1"), (std::pair<std::string_view, std::string_view>("RETR", "1")));
    EXPECT_EQ(split_word("PASS  a b "), (std::pair<std::string_view, std::string_view>("PASS", "a b ")));
    EXPECT_EQ(split_word("QUIT"), (std::pair<std::string_view, std::string_view>("QUIT", "")));
}

TEST(Text, LogTextHoldsNoControlByte) {
    EXPECT_EQ(escape_for_log("a\r\nb\x1b[1m\"\\\xff"), "a\\x0d\\x0ab\\x1b[1m\\x22\\x5c\\xff");
}

TEST(Text, Utf8FollowsRfc3629) {
    EXPECT_TRUE(is_valid_utf8("Pamplona \xc3\xb1 \xe2\x82\xac \xf0\x9f\x98\x80"));
    for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xff", "\x80"})
        EXPECT_FALSE(is_valid_utf8(bad)) << hex(bad);
}

TEST(Text, NearestFindsTheSlipOfTheFinger) {
    const std::vector<std::string_view> keys{"max_connections", "idle_timeout"};
    EXPECT_EQ(nearest("max_conections", keys), "max_connections");
    EXPECT_EQ(nearest("something_else", keys), "");
}

TEST(Text, HexAndBack) {
    EXPECT_EQ(hex("\x01\xfe"), "01fe");
    EXPECT_EQ(unhex("01FE"), "\x01\xfe");
    EXPECT_FALSE(unhex("0"));
    EXPECT_FALSE(unhex("zz"));
}

TEST(Clock, DateIsRfc5322) {
    EXPECT_EQ(rfc5322_date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
    EXPECT_EQ(rfc5322_date(1'709'164'799), "Wed, 28 Feb 2024 23:59:59 +0000");
    EXPECT_EQ(rfc5322_date(1'709'164'800), "Thu, 29 Feb 2024 00:00:00 +0000");
    EXPECT_EQ(iso8601(1'795'386'240), "2026-11-22T22:24:00Z");
}

TEST(Secret, ComparesWithoutEarlyExitAndWipes) {
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "abcd"));
    std::string s(100, 'k');
    const char* memory = s.data();
    s.resize(3); // what a longer text left behind goes too
    wipe(s);
    EXPECT_TRUE(s.empty());
    EXPECT_EQ(memory[50], '\0');
}

TEST(Fd, ASealedMemfdCannotBeWritten) {
    const auto fd = make_sealed_memfd("test", "hello");
    ASSERT_TRUE(fd);
    EXPECT_LT(::write(fd->get(), "x", 1), 0);
    EXPECT_NE(::ftruncate(fd->get(), 0), 0);
    const auto all = read_all(fd->get(), 100);
    ASSERT_TRUE(all);
    EXPECT_EQ(*all, "hello");
}

TEST(Fd, APipeCannotBeSealed) {
    const auto pipe = make_pipe();
    ASSERT_TRUE(pipe);
    EXPECT_EQ(seal_memfd(pipe->first.get()).error().code, Errc::protocol);
}

TEST(Fd, ReadAllStopsAtTheLimit) {
    const auto fd = make_sealed_memfd("test", std::string(1000, 'x'));
    ASSERT_TRUE(fd);
    EXPECT_EQ(read_all(fd->get(), 999).error().code, Errc::limit);
}

TEST(Log, FieldsAreQuotedAndEscaped) {
    EXPECT_EQ(format_log(event::auth_fail, {{"rip", "192.0.2.7"}, {"user", "x\" reason=ok\n"}, {"reason", ""}}),
              "auth-fail rip=192.0.2.7 user=\"x\\x22 reason=ok\\x0a\" reason=\"\"");
}

TEST(Log, AFieldThatIsNotItsEventsEndsASanitizedProgram) {
#ifdef POSADA_SANITIZED
    EXPECT_DEATH(format_log(event::auth_fail, {{"rip", "192.0.2.7"}, {"empty", ""}}), "");
#else
    EXPECT_EQ(format_log(event::auth_fail, {{"empty", ""}}), "auth-fail empty=\"\"") << "nothing is lost elsewhere";
#endif
}

TEST(Log, EveryEventIsFoundById) {
    for (const LogEvent& e : all_log_events()) {
        EXPECT_EQ(find_log_event(e.id)->meaning, e.meaning);
        EXPECT_FALSE(e.meaning.empty());
    }
    EXPECT_EQ(find_log_event("nonsense"), nullptr);
}

} // namespace
} // namespace posada
