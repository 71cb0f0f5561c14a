// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/direct_mover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "tests/unit/common/io/stream_fixture.h"

using namespace posada;
using namespace posada::ftpd;

namespace {

using Way = DirectMover::Way;

std::string read_all(int fd) {
    std::string out;
    char buffer[65536];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(n));
    return out;
}

struct Mover : testing::Test {
    Mover() { ::signal(SIGPIPE, SIG_IGN); } // as every program of ours does
    // Our end of a connection moves to or from file, the peer does what it likes in a thread of its own.
    TransferEnd move(Way way, int file, std::uint64_t offset, std::uint64_t size, std::function<void(UniqueFd)> peer) {
        auto loop = std::move(*io::Loop::create());
        auto ends = io::test::tcp_pair(); // ours, the peer's
        EXPECT_TRUE(set_nonblocking(ends.first.get(), true));
        std::optional<TransferEnd> ended;
        auto mover =
            std::make_unique<DirectMover>(*loop, std::move(ends.first), file, way, offset, size, [&](TransferEnd how) {
                EXPECT_FALSE(ended) << "it ends once";
                ended = how;
                loop->stop();
            });
        std::thread other([&] { peer(std::move(ends.second)); });
        loop->run();
        octets = mover->octets();
        mover.reset(); // closes
        other.join();
        return *ended;
    }
    std::uint64_t octets = 0;
};

TEST_F(Mover, SendsFromAnOffsetToTheEndAndShutsTheConnection) {
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{4096}, std::size_t{16 * 1024 + 1}, std::size_t{9'000'000}}) {
        const std::string bytes = io::test::pattern(size + 3);
        const UniqueFd file = io::test::memory_file(bytes);
        std::string got;
        const auto peer = [&got](UniqueFd fd) { got = read_all(fd.get()); };
        EXPECT_EQ(move(Way::send, file.get(), 3, bytes.size(), peer), TransferEnd::complete) << size;
        EXPECT_TRUE(got == bytes.substr(3)) << size;
        EXPECT_EQ(octets, size);
    }
}

TEST_F(Mover, AnEmptyFileIsAnEmptyConnection) {
    const UniqueFd file = io::test::memory_file("");
    std::string got = "?";
    const auto peer = [&got](UniqueFd fd) { got = read_all(fd.get()); };
    EXPECT_EQ(move(Way::send, file.get(), 0, 0, peer), TransferEnd::complete);
    EXPECT_EQ(got, "");
}

TEST_F(Mover, AFileThatHasBecomeShorterIsNotWhole) {
    for (const std::size_t size : {std::size_t{1000}, std::size_t{3'000'000}}) {
        const UniqueFd file = io::test::memory_file(io::test::pattern(size));
        const auto peer = [](UniqueFd fd) { EXPECT_LE(read_all(fd.get()).size(), std::size_t{3'000'000}); };
        EXPECT_EQ(move(Way::send, file.get(), 0, size + 1, peer), TransferEnd::unreadable) << size;
    }
}

TEST_F(Mover, APeerThatGoesAwayBreaksIt) {
    const UniqueFd file = io::test::memory_file(io::test::pattern(20'000'000));
    EXPECT_EQ(move(Way::send, file.get(), 0, 20'000'000, [](UniqueFd) {}), TransferEnd::broken);
}

TEST_F(Mover, ReceivesUntilThePeerEnds) {
    const std::string bytes = io::test::pattern(7'000'001);
    const UniqueFd file = io::test::memory_file("");
    const auto peer = [&bytes](UniqueFd fd) { EXPECT_TRUE(write_all(fd.get(), bytes)); };
    EXPECT_EQ(move(Way::receive, file.get(), 0, 0, peer), TransferEnd::complete);
    EXPECT_EQ(octets, bytes.size());
    std::string got(bytes.size() + 1, '\0');
    EXPECT_EQ(::pread(file.get(), got.data(), got.size(), 0), static_cast<ssize_t>(bytes.size()));
    got.pop_back();
    EXPECT_TRUE(got == bytes);
}

TEST_F(Mover, AResetIsNoEndOfFile) {
    const UniqueFd file = io::test::memory_file("");
    const auto peer = [](UniqueFd fd) {
        EXPECT_EQ(::write(fd.get(), "half", 4), 4);
        const linger at_once{1, 0};
        EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    };
    EXPECT_EQ(move(Way::receive, file.get(), 0, 0, peer), TransferEnd::broken);
}

TEST_F(Mover, AFullDiskIsSaidSo) {
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const auto peer = [](UniqueFd fd) { EXPECT_EQ(::write(fd.get(), "octets", 6), 6); };
    EXPECT_EQ(move(Way::receive, full.get(), 0, 0, peer), TransferEnd::no_space);
}

} // namespace
