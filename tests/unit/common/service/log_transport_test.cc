// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/log_transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace posada::service {
namespace {

struct LogTransport : ::testing::Test {
    UniqueFd in, out;
    void SetUp() override {
        auto pair = make_log_pair();
        ASSERT_TRUE(pair);
        in = std::move(pair->first);
        out = std::move(pair->second);
    }
    void send(std::string_view raw) { ASSERT_GT(::send(out.get(), raw.data(), raw.size(), 0), 0); }
    LogRecord receive() {
        auto record = receive_log_record(in.get());
        EXPECT_TRUE(record && record->has_value());
        return record && record->has_value() ? std::move(**record) : LogRecord{};
    }
};

TEST_F(LogTransport, ARecordArrivesWithItsSendersPid) {
    RecordSink sink(out.get());
    sink.write(event::connect, format_log(event::connect, {{"rip", "192.0.2.7"}}));
    const LogRecord record = receive();
    EXPECT_EQ(record.pid, ::getpid());
    EXPECT_EQ(record.event->id, "connect");
    EXPECT_EQ(record.line, "connect rip=192.0.2.7");
    EXPECT_FALSE(*receive_log_record(in.get()));
}

TEST_F(LogTransport, AParserCannotForgeABan) {
    send("auth-fail service=pop3d rip=192.0.2.1 user=victim");
    const LogRecord record = receive();
    EXPECT_EQ(record.event->id, "privilege-breach");
    EXPECT_NE(record.line.find("forged log event"), std::string::npos);
}

TEST_F(LogTransport, AnUnknownEventIsABreach) {
    send("made-up rip=192.0.2.1");
    EXPECT_EQ(receive().event->id, "privilege-breach");
}

TEST_F(LogTransport, ControlBytesNeverReachTheLog) {
    send("connect rip=1\nauth-fail rip=2\x1b[31m");
    EXPECT_EQ(receive().line, "connect rip=1\\x0aauth-fail rip=2\\x1b[31m");
}

TEST_F(LogTransport, ARecordIsCutAtItsLimit) {
    RecordSink sink(out.get());
    sink.write(event::connect, "connect x=" + std::string(2 * max_log_record, 'y'));
    EXPECT_EQ(receive().line.size(), max_log_record);
}

TEST_F(LogTransport, AFullSocketDropsAndDoesNotBlock) {
    RecordSink sink(out.get());
    constexpr int written = 100'000;
    for (int i = 0; i < written; ++i) sink.write(event::connect, "connect rip=192.0.2.7");
    int arrived = 0;
    for (auto record = receive_log_record(in.get()); record && record->has_value(); ++arrived)
        record = receive_log_record(in.get());
    EXPECT_GT(arrived, 0);
    EXPECT_LT(arrived, written);
    sink.write(event::connect, "connect rip=192.0.2.8");
    EXPECT_EQ(receive().line, "connect rip=192.0.2.8") << "the next one finds room";
}

} // namespace
} // namespace posada::service
