// SPDX-License-Identifier: BSD-2-Clause
// The signer as the launcher starts it, asked by whoever has taken over a net process.
#include "common/service/launch/signer_handle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/rsa.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "common/base/log.h"
#include "common/io/tls_pem.h"
#include "common/service/log_transport.h"
#include "common/service/net_protocol.h"
#include "common/service/sign_protocol.h"
#include "tests/support/test_certs.h"

namespace posada::service {
namespace {

constexpr uid_t nobody = 65534;

std::string certificate_verify() {
    return std::string(64, ' ') + std::string("TLS 1.3, server CertificateVerify\0", 34) + std::string(32, 'h');
}

class SignerTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/posada-signer-XXXXXX";
        folder_ = ::mkdtemp(name);
        write("rsa", test::make_self_signed({"a.test"}, io::KeyType::rsa_2048));
        write("ecdsa", test::make_self_signed({"a.test"}));
        log_pair_.emplace(*make_log_pair());
        ticket_key_ = *make_ticket_key();
        loop_ = std::move(*io::Loop::create());
        spec_.files = files_;
        spec_.ticket_key = ticket_key_.get();
        spec_.service = "x";
        spec_.identity = ::geteuid() == 0 ? Identity{nobody, nobody} : Identity{::geteuid(), ::getegid()};
        spec_.log_fd = log_pair_->second.get();
    }
    void TearDown() override {
        signer_.reset();
        ASSERT_EQ(::system(("rm -r " + folder_).c_str()), 0);
    }
    void write(const std::string& name, const io::Certificate& certificate) {
        const CertificateFiles files{folder_ + "/" + name + ".pem", folder_ + "/" + name + ".key"};
        const UniqueFd chain(::open(files.chain.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        const UniqueFd key(::open(files.key.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        ASSERT_TRUE(write_all(chain.get(), certificate.chain_pem).ok() &&
                    write_all(key.get(), certificate.key_pem).ok());
        files_.push_back(files);
    }
    void start() {
        auto started = SignerHandle::start(spec_);
        ASSERT_TRUE(started.ok()) << (started ? "" : started.error().describe());
        signer_ = std::move(*started);
        signer_->watch(*loop_, {[this](std::uint64_t session, const std::string& what) {
                                    breaches_.push_back(std::to_string(session) + " " + what);
                                    loop_->stop();
                                },
                                [this](int status) { ended_ = status; }});
    }
    NetSecrets certificates() const {
        const auto bytes = read_all(signer_->certificates().get(), 100'000);
        return bytes ? *decode_net_secrets(*bytes) : NetSecrets{};
    }
    // What comes back through the descriptor; nothing = it was closed.
    std::optional<std::string> ask(std::string payload, std::uint64_t session = 7) {
        auto pair = std::move(*make_seqpacket_pair());
        pass_on(std::move(payload), std::move(pair.second), session);
        char buffer[2048];
        const ssize_t n = ::recv(pair.first.get(), buffer, sizeof buffer, 0);
        if (n <= 0) return std::nullopt;
        return std::string(buffer, static_cast<std::size_t>(n));
    }
    std::optional<std::string> ask(const io::SignRequest& request) { return ask(to_bytes(Sign::of(request))); }
    void pass_on(std::string payload, UniqueFd descriptor, std::uint64_t session = 7) {
        priv::Message message;
        message.type = Sign::row.type;
        message.payload = std::move(payload);
        if (descriptor.valid()) message.fds.push_back(std::move(descriptor));
        signer_->sign(session, message);
    }
    std::string next_breach() {
        breaches_.clear();
        io::Timer timer(*loop_, [this] { loop_->stop(); });
        timer.start(Millis(5'000));
        loop_->run();
        return breaches_.empty() ? "none" : breaches_.front();
    }
    bool signs() { return ask({1, io::SignHash::sha256, io::SignPadding::none, certificate_verify()}).has_value(); }

    std::string folder_;
    std::vector<CertificateFiles> files_;
    std::optional<std::pair<UniqueFd, UniqueFd>> log_pair_;
    UniqueFd ticket_key_;
    std::unique_ptr<io::Loop> loop_;
    SignerSpec spec_;
    std::unique_ptr<SignerHandle> signer_;
    std::vector<std::string> breaches_;
    std::optional<int> ended_;
};

bool verifies(const std::string& chain_pem, const std::string& answer, bool pss) {
    const auto signature = priv::decode_answer(answer);
    const auto chain = io::parse_chain(chain_pem);
    if (!signature || !chain) return false;
    const std::unique_ptr<EVP_MD_CTX, io::OpensslFree<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* details = nullptr;
    EVP_DigestVerifyInit(context.get(), &details, EVP_sha256(), nullptr, X509_get0_pubkey(chain->front().get()));
    if (pss) EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING);
    const std::string bytes = certificate_verify();
    return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature->data()), signature->size(),
                            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1;
}

TEST_F(SignerTest, SignsWithTheKeyThatIsAskedForAndHandsOutNone) {
    start();
    const NetSecrets got = certificates();
    ASSERT_EQ(got.certificates.size(), 2U);
    EXPECT_EQ(got.certificates[0].key_pem + got.certificates[1].key_pem, "");
    EXPECT_EQ(got.ticket_key.size(), 80U);
    const auto rsa = ask({0, io::SignHash::sha256, io::SignPadding::pss, certificate_verify()});
    const auto ecdsa = ask({1, io::SignHash::sha256, io::SignPadding::none, certificate_verify()});
    ASSERT_TRUE(rsa && ecdsa);
    EXPECT_TRUE(verifies(got.certificates[0].chain_pem, *rsa, true));
    EXPECT_TRUE(verifies(got.certificates[1].chain_pem, *ecdsa, false));
}

TEST_F(SignerTest, WhatIsNoHandshakeIsABreachOfTheSessionAndIsNotAnswered) {
    start();
    EXPECT_EQ(ask({1, io::SignHash::sha256, io::SignPadding::none, "pay 100 to mallory"}), std::nullopt);
    EXPECT_EQ(next_breach(), "7 no handshake of a TLS server");
    EXPECT_EQ(ask({2, io::SignHash::sha256, io::SignPadding::none, certificate_verify()}), std::nullopt);
    EXPECT_EQ(next_breach(), "7 no such key");
    EXPECT_EQ(ask({1, io::SignHash::sha1, io::SignPadding::none, certificate_verify()}), std::nullopt);
    EXPECT_EQ(next_breach(), "7 a CertificateVerify with an old signature");
    EXPECT_EQ(ask(to_bytes(Sign::of({0, io::SignHash::sha256, io::SignPadding::none, certificate_verify()})), 9),
              std::nullopt);
    EXPECT_EQ(next_breach(), "9 a signature that this key does not make");
    EXPECT_EQ(ask(std::string("\0\0\1", 3)), std::nullopt);
    EXPECT_NE(next_breach(), "none");
    EXPECT_EQ(ask(std::string("\0\0\11\0\0\0", 6)), std::nullopt);
    EXPECT_EQ(next_breach(), "7 malformed field");
    EXPECT_TRUE(signs()) << "the others are served";
}

TEST_F(SignerTest, NoDescriptorHoldsItUp) {
    start();
    const std::string good = to_bytes(Sign::of({1, io::SignHash::sha256, io::SignPadding::none, certificate_verify()}));
    auto full = std::move(*make_seqpacket_pair());
    ASSERT_TRUE(set_nonblocking(full.second.get(), true).ok());
    while (::send(full.second.get(), "x", 1, MSG_NOSIGNAL) == 1) {
    }
    ASSERT_TRUE(set_nonblocking(full.second.get(), false).ok());
    pass_on(good, std::move(full.second)); // would block
    auto pipe = std::move(*make_pipe());
    pass_on(good, std::move(pipe.second)); // no socket
    auto gone = std::move(*make_seqpacket_pair());
    gone.first.reset();
    pass_on(good, std::move(gone.second)); // SIGPIPE elsewhere
    EXPECT_TRUE(signs());
    pass_on(good, UniqueFd());
    EXPECT_EQ(next_breach(), "7 no request for a signature");
    EXPECT_TRUE(signs());
}

TEST_F(SignerTest, ItsEndIsNoticedAndWhoWaitsIsNotLeftWaiting) {
    start();
    ASSERT_EQ(::kill(signer_->pid(), SIGSTOP), 0);
    auto pair = std::move(*make_seqpacket_pair());
    pass_on(to_bytes(Sign::of({1, io::SignHash::sha256, io::SignPadding::none, certificate_verify()})),
            std::move(pair.second));
    ASSERT_EQ(::kill(signer_->pid(), SIGKILL), 0);
    char byte = 0;
    EXPECT_EQ(::recv(pair.first.get(), &byte, 1, 0), 0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(signer_->pid()), &info, WEXITED | WNOWAIT), 0);
    signer_->reap();
    ASSERT_TRUE(ended_.has_value());
    EXPECT_TRUE(WIFSIGNALED(*ended_));
    EXPECT_FALSE(signs());
}

TEST_F(SignerTest, IsGoneWithItsHandle) {
    start();
    const pid_t pid = signer_->pid();
    signer_.reset();
    EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(SignerTest, AFileThatCannotBeUsedIsNamed) {
    files_[1].key = files_[0].key;
    const auto started = SignerHandle::start(spec_);
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().text.find(files_[1].chain + " and " + files_[1].key + ": "), 0U) << started.error().text;
}

TEST_F(SignerTest, SwitchedOffTheKeysAreHandedOutAndNobodyIsLeft) {
    spec_.signs = false;
    start();
    EXPECT_EQ(signer_->pid(), -1);
    const NetSecrets got = certificates();
    ASSERT_EQ(got.certificates.size(), 2U);
    for (const io::Certificate& one : got.certificates) EXPECT_TRUE(io::check_certificate(one).ok());
    EXPECT_FALSE(signs());
}

} // namespace
} // namespace posada::service
