// SPDX-License-Identifier: BSD-2-Clause
// Reading files: every class of mistake, with the exact text an administrator reads.
#include "tests/unit/common/service/config/config_fixture.h"

namespace posada::service {
namespace {

TEST_F(Config, an_absent_file_means_the_defaults) {
    const LoadedSettings loaded = load_settings(source_, pop3d_info);
    EXPECT_TRUE(loaded.errors.empty());
    EXPECT_EQ(loaded.settings.options<DaemonOptions>().idle_timeout, Millis(600'000));
    EXPECT_EQ(loaded.settings.common().paths.users_file, "/etc/posada/users");
    EXPECT_FALSE(loaded.settings.common().hostname.empty());
    ASSERT_EQ(loaded.settings.common().mail.domains.size(), 1U);
    EXPECT_EQ(loaded.settings.common().auth.max_attempts, 3U);
}

TEST_F(Config, an_absent_file_that_was_asked_for_is_an_error) {
    source_.must_exist = true;
    EXPECT_EQ(shown(load_settings(source_, pop3d_info).errors),
              "posada.toml: cannot be opened: No such file or directory\n");
}

TEST_F(Config, an_empty_file_means_the_defaults) {
    const Settings settings = good("");
    EXPECT_EQ(settings.net_dump(), Settings::defaults(pop3d_info).net_dump());
}

TEST_F(Config, values_of_every_section_arrive) {
    const Settings settings = good(R"(config_version = 1
hostname = "gw.micasa.test"
[paths]
state_dir = "/srv/posada"
[auth]
backends = ["users"]
scram = true
delays = ["1s", "1m"]
virtual_uids = [80000, 80010]
[limits]
per_source = 7
[mail]
domains = ["Micasa.TEST"]
[pop3d]
idle_timeout = "11m"
max_size = "64K"
networks = ["10.0.0.0/8", "::1"]
sandbox = "log"
transcript = true
extra.depth = 9
)");
    EXPECT_EQ(settings.common().hostname, "gw.micasa.test");
    EXPECT_EQ(settings.common().paths.mail_directory(), "/srv/posada/mail");
    EXPECT_TRUE(settings.common().auth.scram);
    EXPECT_EQ(settings.common().auth.delays.back(), Millis(60'000));
    EXPECT_EQ(settings.common().auth.virtual_uids.last, 80'010U);
    EXPECT_EQ(settings.common().limits.per_source, 7U);
    EXPECT_EQ(settings.common().mail.domains, std::vector<std::string>{"micasa.test"});
    const auto& own = settings.options<DaemonOptions>();
    EXPECT_EQ(own.idle_timeout, Millis(660'000));
    EXPECT_EQ(own.max_size, 65'536U);
    EXPECT_EQ(own.networks.size(), 2U);
    EXPECT_EQ(own.extra.depth, 9U);
    EXPECT_EQ(settings.service().sandbox, priv::SandboxMode::log);
    EXPECT_TRUE(settings.service().transcript);
}

TEST_F(Config, the_net_process_gets_the_same_values) {
    const Settings settings =
        good("[mail]\ndomains = [\"a.test\"]\n[pop3d]\nidle_timeout = \"20m\"\ntranscript = true\n"
             "steps = [\"2s\", \"4s\"]\n[[pop3d.listen]]\nname = \"x\"\nport = 1110\n");
    DaemonOptions own;
    const auto net = decode_net_options(settings.net_dump(), pop3d_info, &own);
    ASSERT_TRUE(net) << net.error().text;
    EXPECT_TRUE(net->service.transcript);
    EXPECT_TRUE(net->service.listen.empty());
    EXPECT_EQ(net->mail.domains, std::vector<std::string>{"a.test"});
    EXPECT_EQ(own.idle_timeout, Seconds(1'200));
    EXPECT_EQ(own.steps.size(), 2U);
    EXPECT_FALSE(decode_net_options(settings.net_dump() + "x", pop3d_info, &own));
}

// ---- mistakes

TEST_F(Config, an_unknown_key_is_named_with_the_nearest_one) {
    EXPECT_EQ(errors_of("[pop3d]\n  idle_timout = \"5m\"\n"),
              "posada.toml:2:3: unknown key \"idle_timout\" in [pop3d]; did you mean \"idle_timeout\"?\n"
              "     2 |   idle_timout = \"5m\"\n"
              "       |   ^\n");
}

TEST_F(Config, an_unknown_key_that_resembles_nothing_gets_no_guess) {
    EXPECT_EQ(errors_of("[pop3d]\nfrobnicate = 1\n"), "posada.toml:2:1: unknown key \"frobnicate\" in [pop3d]\n"
                                                      "     2 | frobnicate = 1\n"
                                                      "       | ^\n");
}

TEST_F(Config, a_key_whose_header_was_forgotten_is_told_where_it_belongs) {
    EXPECT_EQ(errors_of("users_file = \"/tmp/u\"\n"),
              "posada.toml:1:1: unknown key \"users_file\" at the top of the file; it belongs in [paths]\n"
              "     1 | users_file = \"/tmp/u\"\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[pop3d]\ndepth = 3\n"),
              "posada.toml:2:1: unknown key \"depth\" in [pop3d]; it belongs in [pop3d.extra]\n"
              "     2 | depth = 3\n"
              "       | ^\n");
}

TEST_F(Config, an_unknown_section_of_a_daemon_that_does_not_exist_stops_nobody) {
    write("posada.toml", "[nfsd]\nbanner = \"x\"\n");
    EXPECT_EQ(all_errors(), "posada.toml:1:2: unknown section [nfsd]\n"
                            "     1 | [nfsd]\n"
                            "       |  ^\n");
    EXPECT_TRUE(load_settings(source_, pop3d_info).errors.empty());
    EXPECT_TRUE(load_settings(source_, smtpd_info).errors.empty());
}

TEST_F(Config, a_misspelt_section_stops_whom_it_was_meant_for) {
    write("posada.toml", "[popd]\n");
    EXPECT_EQ(shown(load_settings(source_, pop3d_info).errors),
              "posada.toml:1:2: unknown section [popd]; did you mean \"pop3d\"?\n     1 | [popd]\n       |  ^\n");
    EXPECT_TRUE(load_settings(source_, smtpd_info).errors.empty());
    EXPECT_EQ(errors_of("[tsl]\n"), "posada.toml:1:2: unknown section [tsl]; did you mean \"tls\"?\n"
                                    "     1 | [tsl]\n"
                                    "       |  ^\n");
}

TEST_F(Config, a_mistake_in_another_daemons_section_is_none_of_ours) {
    write("posada.toml", "[smtpd]\nidle_timeout = 5\n");
    EXPECT_TRUE(load_settings(source_, pop3d_info).errors.empty());
    EXPECT_EQ(load_settings(source_, smtpd_info).errors.size(), 1U);
}

TEST_F(Config, wrong_types_are_reported_with_what_was_expected) {
    EXPECT_EQ(errors_of("[pop3d]\nidle_timeout = 300\n"),
              "posada.toml:2:16: \"idle_timeout\" must be a duration in quotes, such as \"30s\" or \"1h30m\", not the "
              "number 300\n"
              "     2 | idle_timeout = 300\n"
              "       |                ^\n");
    EXPECT_EQ(errors_of("[pop3d]\ntranscript = \"yes\"\n"),
              "posada.toml:2:14: \"transcript\" must be true or false, not the text \"yes\"\n"
              "     2 | transcript = \"yes\"\n"
              "       |              ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nnetworks = \"10.0.0.0/8\"\n"),
              "posada.toml:2:12: \"networks\" must be a list of networks, such as [\"10.0.0.0/8\", \"::1\"], not the "
              "text \"10.0.0.0/8\"\n"
              "     2 | networks = \"10.0.0.0/8\"\n"
              "       |            ^\n");
    EXPECT_EQ(errors_of("pop3d = 5\n"), "posada.toml:1:9: \"pop3d\" must be a section: [pop3d]\n"
                                        "     1 | pop3d = 5\n"
                                        "       |         ^\n");
    EXPECT_EQ(errors_of("tls = true\n"), "posada.toml:1:7: \"tls\" must be a table: [tls]\n"
                                         "     1 | tls = true\n"
                                         "       |       ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nmax_errors = 2026-11-22\n"),
              "posada.toml:2:14: \"max_errors\" must be a number, not a date or time\n"
              "     2 | max_errors = 2026-11-22\n"
              "       |              ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nmax_errors = 1.5\n"),
              "posada.toml:2:14: \"max_errors\" must be a number, not a number with a fraction\n"
              "     2 | max_errors = 1.5\n"
              "       |              ^\n");
    EXPECT_EQ(errors_of("[pop3d.listen]\nport = 1\n"),
              "posada.toml:1:1: \"listen\" must be an array of tables, not a table: write [[pop3d.listen]]\n"
              "     1 | [pop3d.listen]\n"
              "       | ^\n");
}

TEST_F(Config, values_out_of_range_are_reported_with_the_range) {
    EXPECT_EQ(errors_of("[pop3d]\nmax_errors = 1000\n"),
              "posada.toml:2:14: \"max_errors\" must be from 1 to 100, not 1000\n"
              "     2 | max_errors = 1000\n"
              "       |              ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nmax_errors = -1\n"), "posada.toml:2:14: \"max_errors\" must not be negative, -1 is\n"
                                                       "     2 | max_errors = -1\n"
                                                       "       |              ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nidle_timeout = \"2h\"\n"),
              "posada.toml:2:16: \"idle_timeout\" must be from 10s to 1h, not 2h\n"
              "     2 | idle_timeout = \"2h\"\n"
              "       |                ^\n");
}

TEST_F(Config, bad_durations_sizes_networks_and_words_are_reported_at_their_place) {
    EXPECT_EQ(
        errors_of("[pop3d]\nidle_timeout = \"5 minutes\"\n"),
        "posada.toml:2:16: \"idle_timeout\" \"5 minutes\" is not a duration; write a number with ms, s, m, h or d, "
        "such as \"30s\" or \"1h30m\"\n"
        "     2 | idle_timeout = \"5 minutes\"\n"
        "       |                ^\n");
    EXPECT_EQ(
        errors_of("[pop3d]\nmax_size = \"25MB\"\n"),
        "posada.toml:2:12: \"max_size\" \"25MB\" is not a size; write a number with K, M, G or T, such as \"64K\" or "
        "\"25M\"\n"
        "     2 | max_size = \"25MB\"\n"
        "       |            ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nnetworks = [\"10.0.0.0/8\",\n  \"10.0.0.0/99\", 7]\n"),
              "posada.toml:3:3: \"networks\" holds \"10.0.0.0/99\", which is not a network such as \"10.0.0.0/8\" or "
              "\"::1\"\n"
              "     3 |   \"10.0.0.0/99\", 7]\n"
              "       |   ^\n"
              "posada.toml:3:18: \"networks\" must be a list of networks, such as [\"10.0.0.0/8\", \"::1\"], not the "
              "number 7\n"
              "     3 |   \"10.0.0.0/99\", 7]\n"
              "       |                  ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nsandbox = \"enfroce\"\n"),
              "posada.toml:2:11: \"sandbox\" must be one of enforce, log, off, not \"enfroce\"; did you mean "
              "\"enforce\"?\n"
              "     2 | sandbox = \"enfroce\"\n"
              "       |           ^\n");
    EXPECT_EQ(errors_of("[auth]\nbackends = [\"user\"]\n"),
              "posada.toml:2:13: \"backends\" has the unknown word \"user\"; did you mean \"users\"?\n"
              "     2 | backends = [\"user\"]\n"
              "       |             ^\n");
}

TEST_F(Config, all_mistakes_are_reported_at_once_in_the_order_of_the_file) {
    write("posada.toml", "hostnam = \"x\"\n[tls]\nchain = \"relative.pem\"\n[pop3d]\nmax_errors = 0\n\n[smtpd]\n"
                         "idle_timeout = \"1\"\nmax_errors = 1 2\n");
    const SectionInfo* const sections[] = {&smtpd_info, &pop3d_info};
    const LoadedConfig loaded = load_config(source_, sections);
    std::vector<std::pair<unsigned, std::string>> seen;
    for (const ConfigError& error : loaded.errors) seen.emplace_back(error.at.line, error.section);
    const std::vector<std::pair<unsigned, std::string>> expected = {
        {1, ""}, {3, ""}, {5, "pop3d"}, {8, "smtpd"}, {9, "smtpd"}};
    EXPECT_EQ(seen, expected) << shown(loaded.errors);
}

// ---- syntax

TEST_F(Config, several_syntax_errors_are_found_in_one_go) {
    EXPECT_EQ(
        errors_of("hostname = yes\n[pop3d]\nmax_errors = \nidle_timeout = \"5m\nmax_size = \"64K\"\nbad key = 1\n"),
        "posada.toml:1:12: this is not a value; text needs quotes\n"
        "     1 | hostname = yes\n"
        "       |            ^\n"
        "posada.toml:3:14: the value is missing\n"
        "     3 | max_errors = \n"
        "       |              ^\n"
        "posada.toml:4:19: the text has no closing quote\n"
        "     4 | idle_timeout = \"5m\n"
        "       |                   ^\n"
        "posada.toml:6:5: syntax: key-value pair: expected '=', saw 'k'\n"
        "     6 | bad key = 1\n"
        "       |     ^\n");
}

TEST_F(Config, an_array_that_is_never_closed_is_one_error_and_concerns_everybody) {
    EXPECT_EQ(errors_of("[smtpd]\nnetworks = [\"10.0.0.0/8\"\nmax_errors = 5\nidle_timeout = \"5m\"\n"),
              "posada.toml:3:1: syntax: array: expected comma or closing ']', saw 'm'\n"
              "     3 | max_errors = 5\n"
              "       | ^\n");
}

TEST_F(Config, a_syntax_error_in_a_common_section_concerns_everybody) {
    EXPECT_NE(errors_of("[tls]\nchain = /x\n"), "");
    EXPECT_NE(errors_of("[tls\nchain = \"/x\"\n"), "");
    EXPECT_NE(errors_of("[tsl\nchain = \"/x\"\n"), "");
    EXPECT_NE(errors_of("[popd\nmax_errors = 5\n"), "");
    EXPECT_EQ(errors_of("[smtpd]\nmax_errors = x\n"), "");
    EXPECT_EQ(errors_of("[ftpd]\nbanner = x\n"), "");
}

TEST_F(Config, a_broken_header_hides_its_keys_but_not_the_next_section) {
    write("posada.toml", "[smtpd\nwhatever = 1\n[pop3d]\nmax_errors = 0\n");
    const SectionInfo* const sections[] = {&pop3d_info, &smtpd_info};
    const LoadedConfig loaded = load_config(source_, sections);
    ASSERT_EQ(loaded.errors.size(), 2U) << shown(loaded.errors);
    EXPECT_EQ(loaded.errors[0].at.line, 1U);
    EXPECT_EQ(loaded.errors[0].section, "smtpd");
    EXPECT_EQ(loaded.errors[1].at.line, 4U);
    EXPECT_EQ(loaded.errors[1].section, "pop3d");
}

TEST_F(Config, a_key_written_twice_names_both_places) {
    EXPECT_EQ(errors_of("[pop3d]\nmax_errors = 5\nmax_errors = 6\n"),
              "posada.toml:3:14: \"max_errors\" is written twice; the first is at posada.toml:2:1\n"
              "     3 | max_errors = 6\n"
              "       |              ^\n");
}

TEST_F(Config, a_section_written_twice_names_both_places) {
    EXPECT_EQ(errors_of("[pop3d]\n[smtpd]\n[pop3d]\nmax_errors = 0\n"),
              "posada.toml:3:1: this section is written twice; the first is at posada.toml:1:2\n"
              "     3 | [pop3d]\n"
              "       | ^\n");
}

// ---- conf.d

TEST_F(Config, drop_ins_are_merged_in_the_order_of_their_names) {
    write("posada.toml", "[pop3d]\nmax_errors = 5\n[[pop3d.listen]]\nname = \"a\"\nport = 1110\n");
    write("conf.d/20-b.toml", "[[pop3d.listen]]\nname = \"c\"\nport = 1112\n");
    write("conf.d/10-a.toml", "[pop3d]\nidle_timeout = \"20m\"\n[[pop3d.listen]]\nname = \"b\"\nport = 1111\n");
    write("conf.d/ignored.conf", "nonsense");
    write("conf.d/.hidden.toml", "nonsense");
    const LoadedSettings loaded = load_settings(source_, pop3d_info);
    EXPECT_EQ(shown(loaded.errors), "");
    EXPECT_EQ(loaded.settings.options<DaemonOptions>().max_errors, 5U);
    EXPECT_EQ(loaded.settings.options<DaemonOptions>().idle_timeout, Seconds(1'200));
    std::string names;
    for (const Listener& listener : loaded.settings.listeners()) names += listener.name;
    EXPECT_EQ(names, "abc");
}

TEST_F(Config, a_key_in_two_files_is_an_error_that_names_both) {
    write("posada.toml", "[pop3d]\nmax_errors = 5\n");
    write("conf.d/x.toml", "\n[pop3d]\n  max_errors = 6\n");
    EXPECT_EQ(shown(load_settings(source_, pop3d_info).errors),
              "conf.d/x.toml:3:3: \"max_errors\" is set here and at posada.toml:2:1; keep one of them\n"
              "     3 |   max_errors = 6\n"
              "       |   ^\n");
    EXPECT_TRUE(load_settings(source_, smtpd_info).errors.empty());
}

TEST_F(Config, origins_say_where_a_key_was_written) {
    write("posada.toml", "[pop3d]\nmax_errors = 5\n");
    write("conf.d/x.toml", "[pop3d.extra]\ndepth = 2\n");
    const Settings settings = load_settings(source_, pop3d_info).settings;
    ASSERT_NE(settings.origin("pop3d.max_errors"), nullptr);
    EXPECT_EQ(settings.origin("pop3d.max_errors")->text(), directory_ + "/posada.toml:2:1");
    EXPECT_EQ(settings.origin("pop3d.extra.depth")->text(), directory_ + "/conf.d/x.toml:2:1");
    EXPECT_EQ(settings.origin("pop3d.idle_timeout"), nullptr);
}

// ---- who may write the file

TEST_F(Config, a_file_that_everybody_can_write_is_refused) {
    write("posada.toml", "");
    ::chmod(source_.file.c_str(), 0666);
    EXPECT_EQ(shown(load_settings(source_, pop3d_info).errors),
              "posada.toml: can be written by everybody; run: chmod o-w posada.toml\n");
}

TEST_F(Config, a_drop_in_directory_that_everybody_can_write_is_refused) {
    write("conf.d/x.toml", "");
    ::chmod((directory_ + "/conf.d").c_str(), 0777);
    EXPECT_EQ(shown(load_settings(source_, pop3d_info).errors),
              "conf.d: can be written by everybody; run: chmod o-w conf.d\n");
}

TEST_F(Config, a_file_of_another_user_is_refused) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
    write("posada.toml", "");
    ASSERT_EQ(::chown(source_.file.c_str(), 12'345, 12'345), 0);
    EXPECT_EQ(shown(load_settings(source_, pop3d_info).errors),
              "posada.toml: belongs to uid 12345, who could change what this daemon does; run: chown 0 posada.toml\n");
}

TEST_F(Config, something_that_is_not_a_file_is_refused) {
    ASSERT_EQ(::mkfifo(source_.file.c_str(), 0600), 0);
    EXPECT_EQ(shown(load_settings(source_, pop3d_info).errors), "posada.toml: is not a regular file\n");
}

} // namespace
} // namespace posada::service
