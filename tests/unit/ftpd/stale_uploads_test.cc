// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/stale_uploads.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "ftpd/upload.h"
#include "tests/unit/common/auth/scratch.h"

using namespace posada;
using namespace posada::ftpd;

namespace {

constexpr UnixTime now = 2'000'000'000;

class StaleUploads : public testing::Test {
  protected:
    StaleUploads()
        : tree_(std::move(*Tree::open(scratch_.path()))),
          directory_(::open(scratch_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
    void put(const std::string& name, UnixTime changed) const {
        const UniqueFd fd(::openat(directory_.get(), name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        const timespec times[2] = {{0, UTIME_OMIT}, {changed, 0}};
        ASSERT_EQ(::futimens(fd.get(), times), 0);
    }
    [[nodiscard]] bool there(const std::string& name) const {
        return ::faccessat(directory_.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }
    test::Scratch scratch_;
    Tree tree_;
    UniqueFd directory_;
};

} // namespace

TEST_F(StaleUploads, GoWhenNobodyHasTouchedThemForAMinute) {
    const std::string old = new_upload_name();
    const std::string fresh = new_upload_name();
    put(old, now - 61);
    put(fresh, now - 60);
    EXPECT_EQ(remove_stale_uploads(directory_.get(), now), 1U);
    EXPECT_FALSE(there(old));
    EXPECT_TRUE(there(fresh));
}

TEST_F(StaleUploads, StayWhileSomebodyHoldsThem) {
    std::optional<Upload> upload = std::move(*Upload::begin(tree_, "/a", {}));
    EXPECT_EQ(remove_stale_uploads(directory_.get(), SystemClock().unix_now() + 3'600), 0U);
    const UniqueFd of_the_net_process(::fcntl(upload->fd(), F_DUPFD_CLOEXEC, 0));
    upload.reset(); // its process is gone
    EXPECT_EQ(remove_stale_uploads(directory_.get(), SystemClock().unix_now() + 3'600), 0U);
}

TEST_F(StaleUploads, AreNotWhatLooksAlike) {
    const std::string prefix(upload_prefix);
    const std::string names[] = {prefix, prefix + "0123456789abcde", prefix + "0123456789abcdeg",
                                 prefix + "0123456789abcdef0", "0123456789abcdef"};
    for (const std::string& name : names) put(name, 1);
    const std::string folder = new_upload_name();
    const std::string link = new_upload_name();
    ASSERT_EQ(::mkdirat(directory_.get(), folder.c_str(), 0700), 0);
    ASSERT_EQ(::symlinkat("0123456789abcdef", directory_.get(), link.c_str()), 0);
    EXPECT_EQ(remove_stale_uploads(directory_.get(), now), 0U);
    for (const std::string& name : names) EXPECT_TRUE(there(name));
    EXPECT_TRUE(there(folder) && there(link));
}
