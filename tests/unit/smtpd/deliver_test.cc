// SPDX-License-Identifier: BSD-2-Clause
// Delivery as it happens: queue server, deliver and its agents, over real sockets and processes, into scratch
// mailboxes.
#include "smtpd/deliver.h"
#include "smtpd/queue_open.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <fstream>

#include "common/base/log.h"
#include "smtpd/mailbox_writer.h"
#include "smtpd/queue_client.h"
#include "smtpd/queue_server.h"
#include "tests/unit/smtpd/spool_fixture.h"

namespace posada::smtpd {
namespace {

constexpr uid_t first_uid = 70'001;

class Silence final : public LogSink {
  public:
    void write(const LogEvent&, std::string_view) noexcept override {}
};

std::vector<std::string> files_in(const std::string& directory) {
    std::vector<std::string> out;
    if (!std::filesystem::exists(directory)) return out;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) out.push_back(entry.path());
    return out;
}

class DeliverTest : public testing::Test {
  protected:
    void SetUp() override {
        previous_ = set_log_sink(&silence_);
        ::chmod(scratch_.path().c_str(), 0755);
        std::ofstream users(scratch_.path() + "/users");
        for (const char* name : {"daniel", "lir"}) add_user(users, name);
        users.close();
        ::chmod((scratch_.path() + "/users").c_str(), 0600);
        auto loop = io::Loop::create();
        loop_ = std::move(*loop);
        auto pair = make_seqpacket_pair();
        log_ = std::move(pair->first);
        log_peer_ = std::move(pair->second);
        start_queue();
    }
    void TearDown() override {
        deliver_.reset();
        set_log_sink(previous_);
    }

    void add_user(std::ofstream& users, const std::string& name) {
        const std::string home = scratch_.path() + "/" + name;
        std::filesystem::create_directory(home);
        const bool root = ::geteuid() == 0;
        const uid_t uid = root ? first_uid + count_++ : ::geteuid();
        EXPECT_TRUE(!root || ::chown(home.c_str(), uid, uid) == 0);
        users << name << ":!x::" << uid << ":" << (root ? uid : ::getegid()) << ":" << home << "\n";
    }
    void start_queue() {
        auto spool = Spool::open(scratch_.path() + "/spool", loop_->clock());
        QueueConfig config;
        config.hostname = "mx.micasa.test";
        config.domains = {"micasa.test"};
        queue_ = std::make_unique<Queue>(std::move(config), std::move(*spool), loop_->clock());
        auto listener = io::listen_unix_seqpacket(scratch_.path() + "/queue.sock", 0600);
        ASSERT_TRUE(listener.ok());
        server_ = std::make_unique<QueueServer>(*loop_, *queue_, std::move(*listener), ::geteuid(), 100,
                                                [](const Error& e) { FAIL() << e.describe(); });
    }
    void start_deliver(Millis deadline = Seconds(20)) {
        DeliverConfig config;
        config.hostname = "mx.micasa.test";
        config.sources = {scratch_.path() + "/users", false, 1000};
        config.change_user = ::geteuid() == 0;
        config.deadline = deadline;
        config.idle_after = Seconds(600);
        config.log_fd = log_.get();
        deliver_ = std::make_unique<Deliver>(*loop_, reaper_, std::move(config));
        auto channel = open_queue(scratch_.path(), QueueRole::deliver);
        ASSERT_TRUE(channel.ok());
        deliver_->connect(std::move(*channel), [] {});
    }
    void submit(const std::vector<std::string>& to, const std::string& text) {
        queue_->submit(Incoming(), memfd_with(text).get(), envelope_to(to, text.size()), [](const auto&) {});
        ASSERT_TRUE(queue_->flush());
        ASSERT_TRUE(queue_->pump());
    }
    // Turns the loop until the condition holds or ten seconds have passed.
    template <class F>
    bool run_until(F&& condition) {
        bool held = false;
        int ticks = 0;
        std::unique_ptr<io::Timer> timer;
        timer = std::make_unique<io::Timer>(*loop_, [&] {
            reaper_.reap();
            held = condition();
            if (held || ++ticks > 1000) return loop_->stop();
            timer->start(Millis(10));
        });
        timer->start(Millis(1));
        loop_->run();
        return held;
    }
    std::string new_of(const std::string& user) { return scratch_.path() + "/" + user + "/Maildir/new"; }
    static pid_t agent_pid() { // the newest child; older ones are other tests' zombies
        std::ifstream children("/proc/self/task/" + std::to_string(::gettid()) + "/children");
        pid_t pid = 0;
        for (pid_t next = 0; children >> next;) pid = next;
        return pid;
    }

    ScratchDirectory scratch_;
    Silence silence_;
    LogSink* previous_ = nullptr;
    uid_t count_ = 0;
    std::unique_ptr<io::Loop> loop_;
    priv::Reaper reaper_;
    UniqueFd log_, log_peer_;
    std::unique_ptr<Queue> queue_;
    std::unique_ptr<QueueServer> server_;
    std::unique_ptr<Deliver> deliver_;
};

TEST_F(DeliverTest, MailReachesItsMailboxesAsTheirUsers) {
    start_deliver();
    submit({"daniel@micasa.test", "lir@micasa.test"}, "Subject: x\r\n\r\nbody\r\n");
    submit({"daniel@micasa.test"}, "Subject: y\r\n\r\n");
    ASSERT_TRUE(
        run_until([&] { return files_in(new_of("daniel")).size() == 2 && files_in(new_of("lir")).size() == 1; }));
    const std::string file = files_in(new_of("lir")).front();
    EXPECT_EQ(*read_file(file, 1000), "Return-Path: <lir@micasa.test>\nSubject: x\n\nbody\n");
    struct stat st {};
    ASSERT_EQ(::stat(file.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600U);
    EXPECT_EQ(st.st_uid, ::geteuid() == 0 ? first_uid + 1 : ::geteuid());
    EXPECT_TRUE(run_until([&] { return queue_->stats()->recipients == 0; }));
}

TEST_F(DeliverTest, NobodysMailGoesBackToItsSender) {
    start_deliver();
    submit({"nobody@micasa.test"}, "Subject: x\r\n\r\n");
    ASSERT_TRUE(run_until([&] { return files_in(new_of("lir")).size() == 1; }));
    EXPECT_NE(read_file(files_in(new_of("lir")).front(), 10'000)->find("no such user here"), std::string::npos);
}

TEST_F(DeliverTest, AnAgentThatHangsIsKilledAndItsMailDeferred) {
    start_deliver(Seconds(2));
    submit({"daniel@micasa.test"}, "one\r\n");
    ASSERT_TRUE(run_until([&] { return files_in(new_of("daniel")).size() == 1; }));
    const pid_t agent = agent_pid();
    ASSERT_GT(agent, 0);
    ::kill(agent, SIGSTOP); // its user can do that
    submit({"daniel@micasa.test"}, "two\r\n");
    submit({"lir@micasa.test"}, "three\r\n");
    ASSERT_TRUE(run_until([&] { return files_in(new_of("lir")).size() == 1; })) << "other mailboxes do not wait";
    ASSERT_TRUE(run_until([&] {
        const auto list = queue_->list(0, 10);
        return list->size() == 1 && list->front().attempts == 1;
    }));
    ASSERT_TRUE(queue_->retry_now(""));
    ASSERT_TRUE(queue_->pump());
    EXPECT_TRUE(run_until([&] { return files_in(new_of("daniel")).size() == 2; }));
}

TEST_F(DeliverTest, WhatKilledDeliveriesLeftInTmpIsRemoved) {
    start_deliver();
    submit({"daniel@micasa.test"}, "one\r\n");
    ASSERT_TRUE(run_until([&] { return files_in(new_of("daniel")).size() == 1; }));
    const std::string left = new_of("daniel") + "/../tmp/left";
    std::ofstream(left) << "half";
    const utimbuf old{1, 1};
    ASSERT_EQ(::utime(left.c_str(), &old), 0);
    deliver_.reset(); // and its agents; the next one looks
    start_deliver();
    submit({"daniel@micasa.test"}, "two\r\n");
    ASSERT_TRUE(run_until([&] { return files_in(new_of("daniel")).size() == 2; }));
    EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(DeliverTest, WhatAnEarlierAttemptDeliveredIsNotDeliveredTwice) {
    submit({"daniel@micasa.test"}, "one\r\n");
    // A holder that delivers and dies before it can say so.
    const std::string copy = scratch_.path() + "/spool-before";
    std::filesystem::copy(scratch_.path() + "/spool", copy, std::filesystem::copy_options::recursive);
    start_deliver();
    ASSERT_TRUE(run_until([&] { return queue_->stats()->recipients == 0; }));
    deliver_.reset();
    server_.reset();
    queue_.reset();
    std::filesystem::remove_all(scratch_.path() + "/spool");
    std::filesystem::rename(copy, scratch_.path() + "/spool");
    std::filesystem::remove(scratch_.path() + "/spool/spool.db-shm");
    start_queue();
    start_deliver();
    ASSERT_TRUE(run_until([&] { return queue_->stats()->recipients == 0; }));
    EXPECT_EQ(files_in(new_of("daniel")).size(), 1U);
}

// ---- the socket's rules ----

class QueueSocketTest : public DeliverTest {
  protected:
    priv::Channel connect() { return priv::Channel(*io::connect_unix_seqpacket(scratch_.path() + "/queue.sock")); }
    bool closed(priv::Channel& channel) {
        (void)set_nonblocking(channel.fd(), true);
        return run_until([&] {
            auto got = channel.receive(0);
            return got.ok() && !got->has_value();
        });
    }
};

TEST_F(QueueSocketTest, TheFirstWordMustBeHello) {
    priv::Channel channel = connect();
    ASSERT_TRUE(channel.send(AskStats::row.type, 0, {}));
    EXPECT_TRUE(closed(channel));
}

TEST_F(QueueSocketTest, ARoleCannotUseAnothersRequests) {
    for (const auto& [role, type] : {std::pair{QueueRole::receive, ListQueue::row.type},
                                     {QueueRole::receive, TakeLease::row.type},
                                     {QueueRole::deliver, AskStats::row.type},
                                     {QueueRole::control, TakeLease::row.type}}) {
        priv::Channel channel = connect();
        ASSERT_TRUE(channel.send(QueueHello::row.type, 0, to_bytes(hello_of(role))));
        ASSERT_TRUE(channel.send(type, 0, type == TakeLease::row.type ? std::string(2, '\1') : std::string()));
        EXPECT_TRUE(closed(channel)) << queue_role_name(role);
    }
}

TEST_F(QueueSocketTest, ADescriptorThatCannotBeSealedIsRefused) {
    priv::Channel channel = connect();
    ASSERT_TRUE(channel.send(QueueHello::row.type, 0, to_bytes(hello_of(QueueRole::receive))));
    const UniqueFd file(::open((scratch_.path() + "/users").c_str(), O_RDONLY | O_CLOEXEC));
    const int fd = file.get();
    ASSERT_TRUE(channel.send(Submit::row.type, 1, to_bytes(Submit{envelope_to({"daniel@micasa.test"}, 4)}), {&fd, 1}));
    EXPECT_TRUE(closed(channel));
}

TEST_F(QueueSocketTest, AMessageIsSealedBeforeItIsRead) {
    bool queued = false;
    auto channel = open_queue(scratch_.path(), QueueRole::receive);
    QueueClient client(*loop_, std::move(*channel), [] {});
    UniqueFd part = memfd_with("text");
    auto writer = duplicate_fd(part.get());
    std::vector<UniqueFd> parts;
    parts.push_back(std::move(part));
    client.submit(7, envelope_to({"daniel@micasa.test"}, 4), std::move(parts),
                  [&](const Result<std::string>& id) { queued = id.ok(); });
    ASSERT_TRUE(run_until([&] { return queued; }));
    EXPECT_EQ(::pwrite(writer->get(), "evil", 4, 0), -1) << "after the 250 nobody can change it";
}

TEST_F(QueueSocketTest, AClientThatGoesInTheMiddleLeavesNothing) {
    priv::Channel channel = connect();
    ASSERT_TRUE(channel.send(QueueHello::row.type, 0, to_bytes(hello_of(QueueRole::receive))));
    const UniqueFd part = memfd_with(std::string(1000, 'x'));
    const int fd = part.get();
    ASSERT_TRUE(channel.send(SubmitPart::row.type, 1, {}, {&fd, 1}));
    ASSERT_TRUE(run_until([&] { return files_in(scratch_.path() + "/spool/bodies").size() == 1; }));
    channel.close();
    EXPECT_TRUE(run_until([&] { return files_in(scratch_.path() + "/spool/bodies").empty(); }));
}

TEST(AccountNameOf, TakesOnlyWhatCanBeAnAccount) {
    EXPECT_EQ(*account_name_of("daniel@micasa.test"), "daniel");
    EXPECT_EQ(*account_name_of("Postmaster"), "Postmaster");
    EXPECT_FALSE(account_name_of("\"a b\"@micasa.test").ok());
    EXPECT_FALSE(account_name_of("@micasa.test").ok());
    EXPECT_FALSE(account_name_of("a\nb@micasa.test").ok());
}

} // namespace
} // namespace posada::smtpd
