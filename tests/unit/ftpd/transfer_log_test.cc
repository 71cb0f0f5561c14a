// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/transfer_log.h"

#include <gtest/gtest.h>

#include "common/base/fd.h"
#include "tests/unit/common/auth/scratch.h"

using namespace posada;
using namespace posada::ftpd;

namespace {

TransferRecord some_record() {
    TransferRecord out;
    out.ended = 1'795'485'600;
    out.took = Millis(2'700);
    out.client = "192.0.2.7";
    out.path = "/pub/a b.txt";
    out.octets = 1'234;
    out.complete = true;
    out.user = "daniel";
    return out;
}

} // namespace

TEST(TransferLog, ALineIsXferlogs) {
    const std::string line = transfer_line(some_record());
    EXPECT_EQ(line.substr(24), " 2 192.0.2.7 1234 /pub/a_b.txt b _ o r daniel ftp 0 * c\n");
    EXPECT_EQ(line[3], ' ');
}

TEST(TransferLog, OneTransferIsOneLineWhateverItIsCalled) {
    TransferRecord record = some_record();
    record.path = "/x\nThu Jan  1 00:00:00 1970 1 1.2.3.4 9 /etc/passwd b _ o r root ftp 0 * c";
    record.user = "a b\n;c";
    record.access = 'a';
    record.received = record.ascii = true;
    record.complete = false;
    record.took = Millis(0);
    const std::string line = transfer_line(record);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_NE(line.find(" 1 192.0.2.7 "), std::string::npos) << "at least one second";
    EXPECT_TRUE(line.ends_with(" a _ i a a_b_;c ftp 0 * i\n"));
}

TEST(TransferLog, ARenamedFileIsLeftAlone) {
    const test::Scratch directory;
    const std::string path = directory.path() + "/xferlog";
    TransferLog log(path);
    ASSERT_TRUE(log.add(some_record()).ok());
    ASSERT_EQ(::rename(path.c_str(), (path + ".1").c_str()), 0);
    ASSERT_TRUE(log.add(some_record()).ok());
    EXPECT_EQ(read_file(path, 1'000).value(), read_file(path + ".1", 1'000).value());
    EXPECT_TRUE(TransferLog("").add(some_record()).ok());
    EXPECT_FALSE(TransferLog(directory.path() + "/none/xferlog").add(some_record()).ok());
}
