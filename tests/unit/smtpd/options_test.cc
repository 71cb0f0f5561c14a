// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/options.h"

#include <gtest/gtest.h>

#include "common/service/config/config_tree.h"

namespace posada::smtpd {
namespace {

using namespace posada::service;

LoadedConfig load(std::string_view text) {
    std::vector<std::unique_ptr<ConfigFile>> files;
    files.push_back(std::make_unique<ConfigFile>());
    files.back()->name = "f";
    files.back()->text = text;
    const SectionInfo* const sections[] = {&SmtpdOptions::section()};
    return load_config_files(std::move(files), ErrorList{}, sections);
}

std::string errors_of(std::string_view text) {
    std::string out;
    for (const ConfigError& error : load(text).errors) out += error.at.text() + ": " + error.message + "\n";
    return out;
}

TEST(SmtpdOptions, a_route_names_a_domain_and_a_numeric_host) {
    EXPECT_EQ(errors_of("[[smtpd.route]]\ndomain = \"a.test\"\nhost = \"192.0.2.1\"\n"), "");
    EXPECT_EQ(errors_of("[[smtpd.route]]\n"), "f:1:1: \"domain\" is missing in [[smtpd.route]]\n"
                                              "f:1:1: \"host\" is missing in [[smtpd.route]]\n");
    EXPECT_EQ(errors_of("[[smtpd.route]]\ndomain = \"a@b\"\nhost = \"mx.test\"\n"),
              "f:2:1: \"domain\" must be a domain name, or \"*\" for every domain that is not local\n"
              "f:3:1: \"host\" must be a numeric IP address: routes are used without asking the DNS\n");
}

TEST(SmtpdOptions, a_route_that_can_never_match_is_an_error) {
    EXPECT_EQ(errors_of("[[smtpd.route]]\ndomain = \"*\"\nhost = \"192.0.2.1\"\n"
                        "[[smtpd.route]]\ndomain = \"a.test\"\nhost = \"192.0.2.2\"\n"),
              "f:5:1: this route is never used: an earlier one for \"*\" matches first\n");
    EXPECT_EQ(errors_of("[[smtpd.route]]\ndomain = \"a.test\"\nhost = \"192.0.2.1\"\n"
                        "[[smtpd.route]]\ndomain = \"A.test\"\nhost = \"192.0.2.2\"\n"),
              "f:5:1: this route is never used: an earlier one for \"a.test\" matches first\n");
    EXPECT_EQ(errors_of("[[smtpd.route]]\ndomain = \"a.test\"\nhost = \"192.0.2.1\"\n"
                        "[[smtpd.route]]\ndomain = \"*\"\nhost = \"192.0.2.2\"\n"),
              "");
}

TEST(SmtpdOptions, the_spool_memory_holds_at_least_one_message) {
    EXPECT_EQ(errors_of("[smtpd]\nmax_message_size = \"100M\"\n"),
              "f:1:2: \"spool_memory\" (64M) must hold at least one message of \"max_message_size\" (100M)\n");
    EXPECT_EQ(errors_of("[smtpd]\nmax_message_size = \"100M\"\nspool_memory = \"100M\"\n"), "");
}

TEST(SmtpdOptions, an_open_relay_cannot_be_configured) {
    EXPECT_EQ(errors_of("[smtpd]\nrelay_networks = [\"10.0.0.0/8\", \"0.0.0.0/0\"]\n"),
              "f:2:1: \"0.0.0.0/0\" is everybody: this would be an open relay\n");
    EXPECT_EQ(errors_of("[smtpd]\nrelay_networks = [\"::/0\"]\n"),
              "f:2:1: \"::/0\" is everybody: this would be an open relay\n");
}

TEST(SmtpdOptions, fewer_than_a_hundred_recipients_are_refused_by_rfc_5321) {
    EXPECT_EQ(errors_of("[smtpd]\nmax_recipients = 50\n"),
              "f:2:18: \"max_recipients\" must be from 100 to 100000, not 50\n");
}

TEST(SmtpdOptions, queue_and_routes_reach_the_net_process) {
    const LoadedConfig loaded =
        load("[mail]\ndomains = [\"a.test\"]\n[smtpd.queue]\nlifetime = \"2d\"\nretry = [\"1m\", \"2m\"]\n"
             "[[smtpd.route]]\ndomain = \"*\"\nhost = \"::1\"\ntls = \"required\"\n");
    ASSERT_TRUE(loaded.errors.empty());
    SmtpdOptions decoded;
    const auto net = decode_net_options(loaded.settings[0].net_dump(), SmtpdOptions::section(), &decoded);
    ASSERT_TRUE(net.ok());
    EXPECT_EQ(net->mail.domains, std::vector<std::string>{"a.test"});
    EXPECT_EQ(decoded.queue.lifetime, Seconds(2 * 86'400));
    ASSERT_EQ(decoded.queue.retry.size(), 2U);
    ASSERT_EQ(decoded.routes.size(), 1U);
    EXPECT_EQ(decoded.routes[0].host, "::1");
    EXPECT_EQ(decoded.routes[0].tls, RouteTls::required);
}

TEST(SmtpdOptions, port_25_takes_no_logins) {
    for (const Listener& listener : SmtpdOptions::section().builtin_listeners())
        EXPECT_EQ(listener.auth, listener.port != 25) << listener.name;
}

} // namespace
} // namespace posada::smtpd
