// SPDX-License-Identifier: BSD-2-Clause
// What `posada check` finds beyond the text of the configuration.
#include "ctl/check_findings.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/io/certgen.h"
#include "ctl/sections.h"

namespace posada::ctl {
namespace {

constexpr UnixTime now = 1'795'000'000;
constexpr UnixTime day = 86'400;

class Check : public ::testing::Test {
  protected:
    Check() {
        std::string pattern = ::testing::TempDir() + "posada-check-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        write("users", "", 0600);
    }
    ~Check() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& name, std::string_view text, mode_t mode) {
        std::ofstream(directory_ + "/" + name) << text;
        ::chmod((directory_ + "/" + name).c_str(), mode);
    }
    void make_certificate(const std::string& name, UnixTime from, UnixTime until, const std::string& host) {
        io::CertificateRequest request;
        request.common_name = host;
        request.names = {host};
        request.not_before = from;
        request.not_after = until;
        const auto made = io::make_self_signed(request);
        ASSERT_TRUE(made);
        write(name + ".chain", made->chain_pem, 0644);
        write(name + ".key", made->key_pem, 0600);
    }
    // Every finding as "error where: text", the directory's name taken out, one a line.
    std::string findings(std::string text, const std::string& pam_directory = "",
                         const std::string& uid_base = "uid_base = 61184\n") {
        text = "hostname = \"gw.test\"\n" + uid_base + "[paths]\nstate_dir = \"" + directory_ + "\"\nusers_file = \"" +
               directory_ + "/users\"\n" + text;
        for (std::size_t at = 0; (at = text.find("DIR")) != std::string::npos;) text.replace(at, 3, directory_);
        write("posada.toml", text, 0644);
        const service::LoadedConfig loaded = service::load_config({directory_ + "/posada.toml", true}, all_sections());
        EXPECT_EQ(service::errors_text(loaded.errors), "");
        std::string out;
        for (const Finding& f : find_problems(loaded.settings, now, pam_directory))
            out += (f.error ? "error " : "warning ") + f.where + ": " + f.text + "\n";
        for (std::size_t at = 0; (at = out.find(directory_ + "/")) != std::string::npos;)
            out.erase(at, directory_.size() + 1);
        return out;
    }

    std::string directory_;
};

constexpr std::string_view with_tls =
    "[auth]\nbackends = [\"pam\"]\n[tls]\nchain = \"DIR/a.chain\"\nkey = \"DIR/a.key\"\n";

TEST_F(Check, a_good_configuration_has_no_findings) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    EXPECT_EQ(findings(std::string(with_tls)), "");
}

TEST_F(Check, a_wildcard_certificate_covers_the_host_name) {
    make_certificate("a", now - day, now + 90 * day, "*.test");
    EXPECT_EQ(findings(std::string(with_tls)), "");
}

TEST_F(Check, an_ended_certificate_is_an_error) {
    make_certificate("a", now - 90 * day, now - day, "gw.test");
    EXPECT_EQ(findings(std::string(with_tls)),
              "error a.chain: the certificate of CN=gw.test ended " + iso8601(now - day) + "\n");
}

TEST_F(Check, a_certificate_that_ends_soon_is_a_warning) {
    make_certificate("a", now - day, now + 5 * day, "gw.test");
    EXPECT_EQ(findings(std::string(with_tls)),
              "warning a.chain: the certificate of CN=gw.test ends " + iso8601(now + 5 * day) + "\n");
}

TEST_F(Check, a_certificate_of_the_future_is_an_error) {
    make_certificate("a", now + day, now + 90 * day, "gw.test");
    EXPECT_EQ(findings(std::string(with_tls)),
              "error a.chain: the certificate of CN=gw.test begins only " + iso8601(now + day) + "\n");
}

TEST_F(Check, a_certificate_for_another_name_is_a_warning) {
    make_certificate("a", now - day, now + 90 * day, "other.test");
    EXPECT_EQ(findings(std::string(with_tls)), "warning posada.toml:9:1: no certificate is for the host name gw.test: "
                                               "clients that verify will refuse it\n");
}

TEST_F(Check, a_missing_file_is_an_error_at_the_key_that_names_it) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    std::filesystem::remove(directory_ + "/a.key");
    EXPECT_EQ(findings(std::string(with_tls)), "error posada.toml:10:1: a.key: No such file or directory\n");
}

TEST_F(Check, a_key_that_does_not_fit_is_an_error) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    const std::string chain = directory_ + "/kept";
    std::filesystem::copy_file(directory_ + "/a.chain", chain);
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    std::filesystem::rename(chain, directory_ + "/a.chain");
    const std::string found = findings(std::string(with_tls));
    EXPECT_EQ(found.substr(0, found.find(':', 30)), "error posada.toml:9:1: a.chain and a.key");
    EXPECT_EQ(std::count(found.begin(), found.end(), '\n'), 1);
}

TEST_F(Check, a_key_that_everybody_can_read_is_an_error) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    ::chmod((directory_ + "/a.key").c_str(), 0644);
    EXPECT_EQ(findings(std::string(with_tls)),
              "error a.key: everybody may read this private key; run: chmod 600 a.key\n");
}

TEST_F(Check, no_certificate_at_all_is_a_warning) {
    EXPECT_TRUE(findings("[auth]\nbackends = [\"pam\"]\n").starts_with("warning tls: no certificate is configured"));
}

TEST_F(Check, a_users_file_that_others_can_read_is_an_error) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    ::chmod((directory_ + "/users").c_str(), 0644);
    const std::string found = findings("[tls]\nchain = \"DIR/a.chain\"\nkey = \"DIR/a.key\"\n");
    EXPECT_EQ(found.substr(0, found.find('\n')), "error posada.toml:5:1: users: other users may read or change it (it "
                                                 "holds password hashes); run: chmod 600 users");
}

TEST_F(Check, a_users_file_with_a_bad_line_is_an_error) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    write("users", "nonsense\n", 0600);
    const std::string found = findings("[tls]\nchain = \"DIR/a.chain\"\nkey = \"DIR/a.key\"\n");
    EXPECT_TRUE(found.starts_with("error users:1: ")) << found;
}

TEST_F(Check, the_user_without_a_scram_verifier_is_named) {
    write("users", "lir:!::70000:70000:/h/lir\n", 0600);
    const std::string found = findings("[auth]\nbackends = [\"users\"]\nscram = true\n");
    EXPECT_NE(found.find(": user lir has no SCRAM verifier; set the password again with: posada user passwd lir\n"),
              std::string::npos)
        << found;
}

TEST_F(Check, a_file_where_a_directory_should_be_is_an_error_and_nothing_there_a_warning) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    EXPECT_EQ(findings("mail_root = \"DIR/users\"\n" + std::string(with_tls)),
              "error posada.toml:6:1: users is not a directory\n");
    EXPECT_EQ(findings("mail_root = \"DIR/none\"\n" + std::string(with_tls)),
              "warning posada.toml:6:1: none is not there yet\n");
    EXPECT_EQ(findings("mail_root = \"DIR/users/x\"\n" + std::string(with_tls)),
              "error posada.toml:6:1: users/x: Not a directory\n");
}

TEST_F(Check, a_full_or_read_only_file_system_is_an_error) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    const std::string found = findings("mail_root = \"/proc\"\n" + std::string(with_tls)); // 0 blocks, 0 free
    EXPECT_EQ(found, "error posada.toml:6:1: the file system of /proc has 0 KiB free: new mail is refused, or waits, "
                     "until there is space\n");
}

TEST_F(Check, accounts_that_do_not_exist_are_errors_that_say_how_to_make_them) {
    if (::geteuid() != 0 || ::getpwnam("_posada-queue") != nullptr) GTEST_SKIP() << "needs root and no such account";
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    const std::string found = findings(std::string(with_tls), "", "uid_base = 0\n");
    EXPECT_NE(found.find("error posada.toml:2:1: no account _posada-queue; create it with: systemd-sysusers "
                         "posada.conf\n"),
              std::string::npos)
        << found;
}

TEST_F(Check, a_missing_pam_service_is_a_warning) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    write("posada-pop3", "", 0644);
    write("posada-ftp", "", 0644);
    EXPECT_EQ(findings(std::string(with_tls), directory_),
              "warning posada-smtp: is missing: PAM refuses every login of this service\n");
}

TEST_F(Check, an_address_that_is_not_ours_is_an_error) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    EXPECT_EQ(findings(std::string(with_tls) +
                       "[[pop3d.listen]]\nname = \"x\"\nport = 1110\naddress = [\"127.0.0.1\", \"203.0.113.77\"]\n"),
              "error posada.toml:14:1: 203.0.113.77 is not an address of this machine\n");
}

TEST_F(Check, two_daemons_cannot_want_the_same_port) {
    make_certificate("a", now - day, now + 90 * day, "gw.test");
    EXPECT_EQ(findings(std::string(with_tls) + "[[pop3d.listen]]\nname = \"x\"\nport = 25\n[smtpd]\n"),
              "error posada.toml:14:2: listener x of pop3d and listener smtp of smtpd both want port 25\n");
    EXPECT_EQ(findings(std::string(with_tls) + "[[pop3d.listen]]\nname = \"x\"\nport = 25\n[smtpd]\nenabled = false\n"),
              "");
}

} // namespace
} // namespace posada::ctl
