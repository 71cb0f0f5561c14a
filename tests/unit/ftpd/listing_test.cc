// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/listing.h"

#include <gtest/gtest.h>

using namespace posada;
using namespace posada::ftpd;

namespace {

constexpr UnixTime now = 1'795'386'240; // 22 Nov 2026 22:24

Entry entry(std::string name) {
    Entry out;
    out.name = std::move(name);
    out.size = 4187;
    out.mode = 0644;
    out.uid = 1000;
    out.gid = 100;
    out.modified = now - 3600;
    out.device = 0xfe00;
    out.inode = 7;
    return out;
}
const Viewer viewer{1000, "daniel", true, false};

std::string list(const Entry& e) {
    std::string out;
    append_list_line(out, e, viewer, now);
    return out;
}
std::string facts(const Entry& e, std::uint8_t which, const Viewer& who = viewer) {
    std::string out;
    append_facts_line(out, e, e.name, who, which);
    return out;
}

} // namespace

TEST(Listing, LooksLikeLs) {
    EXPECT_EQ(list(entry("todasfases.fig")),
              "-rw-r--r--    1 daniel   100            4187 Nov 22 21:24 todasfases.fig\r\n");
}

TEST(Listing, AYearForWhatIsOldOrInTheFuture) {
    Entry e = entry("x");
    e.modified = now - 183LL * 86'400;
    EXPECT_NE(list(e).find(" May 23  2026 x"), std::string::npos) << list(e);
    e.modified = now + 3600;
    EXPECT_NE(list(e).find(" Nov 22  2026 x"), std::string::npos) << list(e);
}

TEST(Listing, SpecialBitsAndLinks) {
    Entry e = entry("x");
    e.mode = 07755;
    EXPECT_EQ(list(e).substr(0, 10), "-rwsr-sr-t");
    e.mode = 07644;
    EXPECT_EQ(list(e).substr(0, 10), "-rwSr-Sr-T");
    e.type = EntryType::link;
    e.target = "y\r\nz";
    EXPECT_NE(list(e).find(" x -> y??z\r\n"), std::string::npos) << list(e);
}

TEST(Listing, NamesForgeNothing) {
    EXPECT_EQ(list(entry("a\r\n226 b\x1b")).find("226"), list(entry("a??226 b?")).find("226"));
    EXPECT_NE(list(entry("a\nb")).find("a?b\r\n"), std::string::npos);
    EXPECT_NE(facts(entry("a\nb"), fact_type).find("a?b\r\n"), std::string::npos);
}

TEST(Listing, FactsAreChosen) {
    EXPECT_EQ(facts(entry("x"), 0), " x\r\n");
    EXPECT_EQ(facts(entry("x"), default_facts),
              "type=file;size=4187;modify=20261122212400;perm=rawfd;unique=fe00g7;UNIX.mode=0644;UNIX.owner=1000;"
              "UNIX.group=100; x\r\n");
    EXPECT_EQ(parse_facts("type;SIZE;nonsense;"), fact_type | fact_size);
    EXPECT_EQ(chosen_facts(fact_type | fact_modify), "Type;Modify;");
    EXPECT_EQ(fact_words(fact_size).substr(0, 17), "Type;Size*;Modify");
}

TEST(Listing, PermSaysWhatThisViewerMayDo) {
    EXPECT_EQ(facts(entry("x"), fact_perm, {2000, "lir", true, false}), "perm=r; x\r\n");
    EXPECT_EQ(facts(entry("x"), fact_perm, {1000, "daniel", false, false}), "perm=r; x\r\n");
    Entry d = entry("d");
    d.type = EntryType::directory;
    d.mode = 0755;
    EXPECT_EQ(facts(d, fact_perm), "perm=elcmpfd; d\r\n");
    EXPECT_EQ(facts(d, fact_perm, {2000, "lir", true, false}), "perm=el; d\r\n");
}
