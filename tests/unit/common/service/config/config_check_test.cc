// SPDX-License-Identifier: BSD-2-Clause
// Contradictions, listeners, and files that want to do harm.
#include "tests/unit/common/service/config/config_fixture.h"

namespace posada::service {
namespace {

using ConfigCheck = Config;

// ---- contradictions

TEST_F(ConfigCheck, a_chain_without_a_key_is_an_error) {
    EXPECT_EQ(errors_of("[tls]\nchain = \"/x.pem\"\n"),
              "posada.toml:2:1: \"chain\" without \"key\": TLS needs the private key too\n"
              "     2 | chain = \"/x.pem\"\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[tls]\nkey = \"/x.pem\"\n"),
              "posada.toml:2:1: \"key\" without \"chain\": TLS needs the certificate too\n"
              "     2 | key = \"/x.pem\"\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[[tls.certificates]]\nchain = \"/x.pem\"\n"),
              "posada.toml:1:1: \"key\" is missing in [[tls.certificates]]\n"
              "     1 | [[tls.certificates]]\n"
              "       | ^\n");
}

TEST_F(ConfigCheck, legacy_tls_is_for_private_addresses) {
    const std::string tls = "[tls]\nchain = \"/c\"\nkey = \"/k\"\n[[pop3d.listen]]\nname = \"x\"\nport = 1110\n"
                            "tls = \"legacy\"\n";
    EXPECT_EQ(errors_of(tls), "posada.toml:7:1: \"legacy\" TLS can be broken by anybody on the way: it is allowed on "
                              "private addresses only; write them in \"address\"\n"
                              "     7 | tls = \"legacy\"\n"
                              "       | ^\n");
    EXPECT_NE(errors_of(tls + "address = [\"192.168.1.2\", \"203.0.113.5\"]\n"), "");
    EXPECT_EQ(errors_of(tls + "address = [\"192.168.1.2\", \"::1\"]\n"), "");
}

TEST_F(ConfigCheck, a_listener_with_tls_needs_a_certificate) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\nname = \"x\"\nport = 1995\ntls = \"implicit\"\n"),
              "posada.toml:4:1: this listener needs a certificate: set \"chain\" and \"key\" in [tls]\n"
              "     4 | tls = \"implicit\"\n"
              "       | ^\n");
}

TEST_F(ConfigCheck, a_trusted_listener_must_be_private) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\nname = \"x\"\nport = 1110\ntrusted = true\n"),
              "posada.toml:4:1: \"trusted\" is allowed on private addresses only; write them in \"address\"\n"
              "     4 | trusted = true\n"
              "       | ^\n");
}

TEST_F(ConfigCheck, a_listener_needs_name_and_port) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\n"), "posada.toml:1:1: \"name\" is missing in [[pop3d.listen]]\n"
                                               "     1 | [[pop3d.listen]]\n"
                                               "       | ^\n"
                                               "posada.toml:1:1: \"port\" is missing in [[pop3d.listen]]\n"
                                               "     1 | [[pop3d.listen]]\n"
                                               "       | ^\n");
}

TEST_F(ConfigCheck, two_listeners_cannot_share_a_name_or_a_port) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\nname = \"x\"\nport = 1110\n[[pop3d.listen]]\nname = \"x\"\nport = 1110\n"
                        "address = [\"127.0.0.1\"]\n"),
              "posada.toml:5:1: the name \"x\" is taken at posada.toml:2:1\n"
              "     5 | name = \"x\"\n"
              "       | ^\n"
              "posada.toml:6:1: port 1110 on this address is taken at posada.toml:3:1\n"
              "     6 | port = 1110\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[[pop3d.listen]]\nname = \"x\"\nport = 1110\naddress = [\"::1\"]\n"
                        "[[pop3d.listen]]\nname = \"y\"\nport = 1110\naddress = [\"127.0.0.1\"]\n"),
              "");
}

TEST_F(ConfigCheck, a_newer_format_is_refused) {
    EXPECT_EQ(errors_of("config_version = 2\n"),
              "posada.toml:1:1: this posada understands config_version 1; the file is for a newer one\n"
              "     1 | config_version = 2\n"
              "       | ^\n");
}

TEST_F(ConfigCheck, limits_that_contradict_each_other_are_refused) {
    EXPECT_EQ(errors_of("[limits]\nper_source = 10\nper_service = 5\n"),
              "posada.toml:2:1: \"per_source\" (10) is more than \"per_service\" (5)\n"
              "     2 | per_source = 10\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[limits]\npenalty_start = \"2m\"\n"),
              "posada.toml:2:1: \"penalty_start\" (2m) is more than \"penalty_max\" (1m)\n"
              "     2 | penalty_start = \"2m\"\n"
              "       | ^\n");
}

TEST_F(ConfigCheck, scram_with_pam_is_refused) {
    EXPECT_EQ(errors_of("[auth]\nscram = true\n"),
              "posada.toml:2:1: \"scram\" needs backends = [\"users\"]: accounts of PAM have no SCRAM verifier, and "
              "clients that see SCRAM do not try anything else\n"
              "     2 | scram = true\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[auth]\nbackends = [\"users\"]\nscram = true\n"), "");
}

TEST_F(ConfigCheck, names_must_be_host_names) {
    EXPECT_EQ(errors_of("hostname = \"bad name\"\n[mail]\ndomains = [\"ok.test\", \"-x\"]\n"),
              "posada.toml:1:1: \"bad name\" is not a host name; set \"hostname\"\n"
              "     1 | hostname = \"bad name\"\n"
              "       | ^\n"
              "posada.toml:3:1: \"-x\" is not a domain name\n"
              "     3 | domains = [\"ok.test\", \"-x\"]\n"
              "       | ^\n");
}

TEST_F(ConfigCheck, a_daemons_own_check_points_at_the_key) {
    EXPECT_EQ(errors_of("[pop3d]\nidle_timeout = \"10s\"\nmax_errors = 60\n"),
              "posada.toml:3:1: too many errors for that timeout\n"
              "     3 | max_errors = 60\n"
              "       | ^\n");
}

// ---- listeners

TEST_F(ConfigCheck, without_a_certificate_the_built_in_tls_port_is_left_out) {
    EXPECT_EQ(good("").listeners().size(), 1U);
    EXPECT_EQ(good("[tls]\nchain = \"/c\"\nkey = \"/k\"\n").listeners().size(), 2U);
}

TEST_F(ConfigCheck, listeners_inherit_what_they_do_not_say) {
    const Settings settings =
        good("[pop3d]\nplaintext_auth = \"private\"\n[[pop3d.listen]]\nname = \"a\"\nport = 1110\n"
             "[[pop3d.listen]]\nname = \"b\"\nport = 1111\nplaintext_auth = \"never\"\n"
             "fd_name = \"sock\"\n");
    ASSERT_EQ(settings.listeners().size(), 2U);
    EXPECT_EQ(settings.listeners()[0].plaintext_auth, PlaintextAuth::private_networks);
    EXPECT_EQ(settings.listeners()[0].fd_name, "a");
    EXPECT_EQ(settings.listeners()[0].addresses, std::vector<std::string>{"*"});
    EXPECT_EQ(settings.listeners()[0].tls, TlsMode::starttls);
    EXPECT_EQ(settings.listeners()[1].plaintext_auth, PlaintextAuth::never);
    EXPECT_EQ(settings.listeners()[1].fd_name, "sock");
    EXPECT_EQ(good("[pop3d]\nplaintext_auth = \"any\"\n").listeners()[0].plaintext_auth, PlaintextAuth::any);
}

// ---- hostile input: an error, soon, and never a crash

TEST_F(ConfigCheck, nesting_without_end_is_an_error) {
    EXPECT_NE(errors_of("a = " + std::string(100'000, '[') + "\n"), "");
    EXPECT_EQ(errors_of("[pop3d]\nsteps = " + std::string(30, '[') + std::string(30, ']') + "\n"),
              "posada.toml:2:25: nested deeper than 16 levels\n"
              "     2 | steps = " +
                  std::string(30, '[') + std::string(30, ']') +
                  "\n"
                  "       |                         ^\n");
    std::string dotted = "a";
    for (int i = 0; i < 1'000; ++i) dotted += ".a";
    EXPECT_TRUE(
        errors_of(dotted + " = 1\n").starts_with("posada.toml:1:130: more than 64 dots outside quotes in one line\n"));
}

TEST_F(ConfigCheck, lines_that_trip_the_parsers_assertions_are_errors_with_a_place) {
    EXPECT_EQ(errors_of("[pop3d]\nmax_errors = 5\n[[[smtpd]]]\n[tls]\n", smtpd_info),
              "posada.toml:3:1: this is not TOML\n"
              "     3 | [[[smtpd]]]\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[pop3d]\n\xC6\x92x = 5\n"), "posada.toml:2:1: only ASCII may stand outside quotes\n"
                                                     "     2 | \xC6\x92x = 5\n"
                                                     "       | ^\n");
    // Once the broken lines are out of the way, what a quote has hidden is outside again.
    EXPECT_NE(errors_of("max\n25M\"\"\"J = 1\nx = \xCF\x9B\n"), "");
}

TEST_F(ConfigCheck, text_that_is_not_ascii_may_stand_in_quotes_and_comments) {
    EXPECT_EQ(errors_of("# \xC3\xB1\nhostname = \"a.test\" # \xC3\xB1\n[paths]\nstate_dir = '/srv/\xC3\xB1'\n"
                        "run_dir = \"\"\"/run/\xC3\xB1\"\"\"\n"),
              "");
}

TEST_F(ConfigCheck, a_line_or_file_of_absurd_length_is_an_error) {
    EXPECT_EQ(errors_of("hostname = \"" + std::string(5'000, 'x') + "\"\n").substr(0, 50),
              "posada.toml:1:4096: a line of more than 4096 octet");
    EXPECT_EQ(errors_of(std::string((1U << 20) + 1, '\n')), "posada.toml: is larger than 1M\n");
}

TEST_F(ConfigCheck, nul_and_invalid_utf8_are_errors_with_a_place) {
    EXPECT_EQ(errors_of(std::string_view("[pop3d]\nx = \"\0\"\n", 15)),
              "posada.toml:2:6: a NUL byte; this is not a text file\n"
              "     2 | x = \"?\"\n"
              "       |      ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nx = \"\xFF\"\n").substr(0, 48), "posada.toml:2:1: this line is not valid UTF-8\n  ");
}

TEST_F(ConfigCheck, control_characters_of_the_file_do_not_reach_the_terminal) {
    const std::string shown_text = errors_of("[pop3d]\nx = \"\x1B[31m\"\n\"\\u001b[2J\" = 1\n");
    EXPECT_EQ(shown_text.find('\x1B'), std::string::npos);
}

TEST_F(ConfigCheck, a_flood_of_mistakes_is_cut) {
    std::string text = "[pop3d]\n";
    for (int i = 0; i < 5'000; ++i) text += "k" + std::to_string(i) + " = 1\n";
    write("posada.toml", text);
    const auto errors = load_settings(source_, pop3d_info).errors;
    ASSERT_EQ(errors.size(), 201U);
    EXPECT_EQ(shown({errors.back()}), "posada.toml: there are more errors than these\n");
    EXPECT_TRUE(load_settings(source_, smtpd_info).errors.empty());
}

TEST_F(ConfigCheck, a_carriage_return_before_the_line_end_is_no_mistake) {
    EXPECT_EQ(good("[pop3d]\r\nmax_errors = 9\r\n").options<DaemonOptions>().max_errors, 9U);
}

} // namespace
} // namespace posada::service
