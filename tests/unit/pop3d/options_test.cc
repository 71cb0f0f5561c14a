// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/options.h"

#include <gtest/gtest.h>

#include "common/service/config/config_tree.h"

namespace posada::pop3d {
namespace {

using namespace posada::service;

std::string errors_of(std::string_view text) {
    std::vector<std::unique_ptr<ConfigFile>> files;
    files.push_back(std::make_unique<ConfigFile>());
    files.back()->name = "f";
    files.back()->text = text;
    const SectionInfo* const sections[] = {&Pop3Options::section()};
    std::string out;
    for (const ConfigError& error : load_config_files(std::move(files), ErrorList{}, sections).errors)
        out += error.at.text() + ": " + error.message + "\n";
    return out;
}

TEST(Pop3Options, the_idle_timer_is_at_least_the_ten_minutes_of_rfc_1939) {
    EXPECT_EQ(errors_of("[pop3d]\nidle_timeout = \"10m\"\n"), "");
    EXPECT_EQ(errors_of("[pop3d]\nidle_timeout = \"9m\"\n"),
              "f:2:16: \"idle_timeout\" must be from 10m to 1d, not 9m\n");
}

TEST(Pop3Options, an_agent_may_take_longer_than_a_login_waits_for_the_mailbox) {
    EXPECT_EQ(errors_of("[pop3d]\nlock_wait = \"20s\"\nagent_timeout = \"20s\"\n"),
              "f:3:1: \"agent_timeout\" must be longer than \"lock_wait\": a login that waits for a mailbox would be "
              "given up\n");
}

TEST(Pop3Options, keys_of_smtp_listeners_are_refused) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\nname = \"a\"\nport = 1\n[[pop3d.listen]]\nname = \"b\"\nport = 2\n"
                        "auth = true\ntrusted = true\naddress = [\"::1\"]\n"),
              "f:7:1: \"auth\" is for [[smtpd.listen]] only\nf:8:1: \"trusted\" is for [[smtpd.listen]] only\n");
}

TEST(Pop3Options, the_defaults_are_within_their_own_limits_and_reach_the_net_process) {
    const Settings settings = Settings::defaults(Pop3Options::section());
    Pop3Options decoded;
    decoded.idle_timeout = Millis(1);
    const auto net = decode_net_options(settings.net_dump(), Pop3Options::section(), &decoded);
    ASSERT_TRUE(net) << net.error().text;
    EXPECT_EQ(decoded.idle_timeout, Pop3Options{}.idle_timeout);
    EXPECT_TRUE(net->mail.domains.empty()) << "that is told to who takes mail";
}

TEST(Pop3Options, the_built_in_listeners_are_110_and_995_with_tls) {
    const auto listeners = Pop3Options::section().builtin_listeners();
    ASSERT_EQ(listeners.size(), 2U);
    EXPECT_EQ(listeners[0].port, 110);
    EXPECT_EQ(listeners[0].tls, TlsMode::starttls);
    EXPECT_EQ(listeners[1].port, 995);
    EXPECT_EQ(listeners[1].tls, TlsMode::implicit);
}

} // namespace
} // namespace posada::pop3d
