// SPDX-License-Identifier: BSD-2-Clause
// What an agent may do where: upload directories, anonymous users, quotas. Beside the network.
#include "ftpd/agent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "tests/unit/common/auth/scratch.h"

using namespace posada;
using namespace posada::ftpd;

namespace {

constexpr std::optional<Errc> done; // no error

class Agent : public testing::Test {
  protected:
    Agent() {
        task.top = scratch.path();
        task.viewer.may_write = true;
        ::mkdir((task.top + "/incoming").c_str(), 0755);
        put("/there", "12345");
    }
    void put(const std::string& path, std::string_view bytes, mode_t mode = 0644) const {
        const UniqueFd fd(::open((task.top + path).c_str(), O_WRONLY | O_CREAT | O_TRUNC, mode));
        ASSERT_TRUE(write_all(fd.get(), bytes));
    }
    void make_anonymous_box() {
        task.viewer.may_write = false;
        task.public_only = true;
        task.boxes = {{"/incoming", 0600, false, ""}};
    }
    // The whole of an upload, or why not.
    static std::optional<Errc> store(FileAgent& agent, const std::string& path, std::string_view bytes,
                                     Opening how = Opening::store, std::uint64_t offset = 0) {
        const auto begun = agent.on(WriteRequest{how, path, offset, 0644});
        if (!begun) return begun.error().code;
        if (!write_all(begun->fds.front().get(), bytes)) return Errc::io;
        const Status finished = agent.on(FinishRequest{true});
        if (!finished) return finished.error().code;
        return done;
    }
    static std::optional<Errc> change(FileAgent& agent, Change what, const std::string& path,
                                      const std::string& to = {}) {
        const Status changed = agent.on(ChangeRequest{what, path, to, 0755});
        if (!changed) return changed.error().code;
        return done;
    }
    [[nodiscard]] bool is_there(const std::string& path) const {
        return ::access((task.top + path).c_str(), F_OK) == 0;
    }
    [[nodiscard]] std::uint64_t used(const FileAgent&) const {
        Tree tree = *Tree::open(task.top);
        return task.quota - *Quota(tree, task.quota).largest(0);
    }

    test::Scratch scratch;
    AgentTask task;
};

} // namespace

TEST_F(Agent, AnUploadDirectoryTakesWhatIsNewAndNothingElse) {
    make_anonymous_box();
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(store(agent, "/incoming/new", "abc"), done);
    struct stat st {};
    ASSERT_EQ(::stat((task.top + "/incoming/new").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600U);
    EXPECT_EQ(store(agent, "/incoming/new", "other"), Errc::exists);
    EXPECT_EQ(store(agent, "/incoming/new", "more", Opening::append), Errc::denied);
    EXPECT_EQ(store(agent, "/incoming/new", "more", Opening::store, 1), Errc::denied);
    EXPECT_EQ(store(agent, "/elsewhere", "abc"), Errc::denied);
    EXPECT_EQ(read_file(task.top + "/incoming/new", 100).value(), "abc");
}

TEST_F(Agent, WhatIsInAnUploadDirectoryIsNotSeenNorChanged) {
    make_anonymous_box();
    put("/incoming/other", "secret");
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(agent.on(ReadRequest{"/incoming/other"}).error().code, Errc::denied);
    EXPECT_EQ(agent.on(LookRequest{"/incoming/other", 1}).error().code, Errc::denied);
    EXPECT_EQ(agent.on(ListRequest{Form::list, "/incoming", "", true, 0}).error().code, Errc::denied);
    EXPECT_EQ(change(agent, Change::remove_file, "/incoming/other"), Errc::denied);
    EXPECT_EQ(change(agent, Change::rename, "/incoming/other", "/incoming/mine"), Errc::denied);
    EXPECT_EQ(change(agent, Change::rename, "/there", "/incoming/mine"), Errc::denied);
    EXPECT_EQ(change(agent, Change::make_directory, "/incoming/d"), Errc::denied);
    EXPECT_TRUE(agent.on(EnterRequest{"/incoming"}).ok());
    EXPECT_TRUE(agent.on(LookRequest{"/incoming", 1}).ok());
}

TEST_F(Agent, DirectoriesInAnUploadDirectoryWhereThatIsConfigured) {
    make_anonymous_box();
    task.boxes.front().directories = true;
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(change(agent, Change::make_directory, "/incoming/d"), done);
    EXPECT_EQ(store(agent, "/incoming/d/new", "abc"), done);
    EXPECT_EQ(change(agent, Change::remove_directory, "/incoming/d"), Errc::denied);
    EXPECT_EQ(change(agent, Change::make_directory, "/d"), Errc::denied);
}

TEST_F(Agent, AUserWithAnUploadDirectoryWritesElsewhereAsBefore) {
    task.boxes = {{"/incoming", 0640, false, ""}};
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(store(agent, "/there", "other"), done);
    EXPECT_EQ(change(agent, Change::rename, "/there", "/incoming/x"), Errc::denied) << "that is no upload";
    EXPECT_EQ(change(agent, Change::remove_file, "/there"), done);
}

// Somebody was faster: the name is there when the last byte comes.
TEST_F(Agent, NothingIsReplacedInAnUploadDirectoryEitherWhenTheFileIsWhole) {
    make_anonymous_box();
    FileAgent agent(task, *Tree::open(task.top));
    ASSERT_TRUE(agent.on(WriteRequest{Opening::store, "/incoming/x", 0, 0644}).ok());
    put("/incoming/x", "first");
    EXPECT_EQ(agent.on(FinishRequest{true}).error().code, Errc::exists);
    EXPECT_EQ(read_file(task.top + "/incoming/x", 100).value(), "first");
}

TEST_F(Agent, ALinkInAnUploadDirectoryLeadsNowhere) {
    make_anonymous_box();
    ASSERT_EQ(::symlink("../there", (task.top + "/incoming/link").c_str()), 0);
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(store(agent, "/incoming/link", "evil"), Errc::exists);
    EXPECT_EQ(read_file(task.top + "/there", 100).value(), "12345");
}

TEST_F(Agent, AnonymousUsersReadWhatEverybodyMay) {
    task.public_only = true;
    put("/private", "x", 0640);
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_TRUE(agent.on(ReadRequest{"/there"}).ok());
    EXPECT_EQ(agent.on(ReadRequest{"/private"}).error().code, Errc::denied);
}

TEST_F(Agent, TheServersOwnNamesAreNobodyElses) {
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(store(agent, "/.posada-quota", "0 99999999999"), Errc::invalid);
    EXPECT_EQ(change(agent, Change::remove_file, "/.posada-quota"), Errc::invalid);
    EXPECT_EQ(change(agent, Change::rename, "/there", "/.posada-x"), Errc::invalid);
    EXPECT_EQ(agent.on(ReadRequest{"/.posada-quota"}).error().code, Errc::invalid);
}

TEST_F(Agent, AQuotaCountsWhatIsThereAndWhatComes) {
    task.quota = 100;
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(used(agent), 5U);
    EXPECT_EQ(store(agent, "/a", std::string(80, 'a')), done);
    EXPECT_EQ(used(agent), 85U);
    EXPECT_EQ(agent.on(WriteRequest{Opening::store, "/b", 0, 0644})->body.room, 15U);
    EXPECT_TRUE(agent.on(FinishRequest{false}).ok());
    EXPECT_EQ(store(agent, "/a", std::string(95, 'a')), done) << "what is replaced makes room";
    EXPECT_EQ(store(agent, "/b", "b"), Errc::no_space);
    EXPECT_EQ(change(agent, Change::remove_file, "/a"), done);
    EXPECT_EQ(used(agent), 5U);
    EXPECT_EQ(store(agent, "/b", "b"), done);
}

// The net process is told how much may come; one that was taken over may write more.
TEST_F(Agent, WhoWritesMoreThanTheQuotaKeepsNothingOfIt) {
    task.quota = 100;
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(store(agent, "/a", std::string(96, 'a')), Errc::no_space);
    EXPECT_FALSE(is_there("/a"));
    EXPECT_EQ(store(agent, "/there", std::string(96, 'a'), Opening::append), Errc::no_space);
    EXPECT_EQ(read_file(task.top + "/there", 1'000).value(), "12345");
    EXPECT_EQ(used(agent), 5U);
    EXPECT_EQ(store(agent, "/a", std::string(95, 'a')), done);
}

TEST_F(Agent, AnUploadThatBreaksOffCountsAsFarAsItStays) {
    task.quota = 100;
    {
        FileAgent agent(task, *Tree::open(task.top));
        const auto begun = agent.on(WriteRequest{Opening::store, "/part", 0, 0644});
        ASSERT_TRUE(begun.ok() && write_all(begun->fds.front().get(), "0123456789"));
        agent.channel_ended();
    }
    FileAgent after(task, *Tree::open(task.top));
    EXPECT_TRUE(is_there("/part"));
    EXPECT_EQ(used(after), 15U);
}

TEST_F(Agent, RoomIsAskedOfTheQuotaToo) {
    task.quota = 100;
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_TRUE(agent.on(RoomRequest{95}).ok());
    EXPECT_EQ(agent.on(RoomRequest{96}).error().code, Errc::no_space);
}

TEST_F(Agent, ACountThatIsNoneIsMadeAnew) {
    task.quota = 100;
    put("/.posada-quota", "nonsense");
    FileAgent agent(task, *Tree::open(task.top));
    EXPECT_EQ(used(agent), 5U);
    put("/.posada-quota", "99 1000");
    EXPECT_EQ(used(agent), 5U) << "that one is of 1970";
}
