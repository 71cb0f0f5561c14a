// SPDX-License-Identifier: BSD-2-Clause
// Every class of mistake, with the exact text an administrator reads.
#include "common/service/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace posada::service {
namespace {

struct Extra {
    std::uint32_t depth = 4;
};
constexpr OptionRow extra_rows[] = {
    integer<&Extra::depth>("depth", 1, 10, "A depth."),
};
constexpr Schema extra_schema{extra_rows};

struct DaemonOptions {
    Millis idle_timeout{600'000};
    std::uint64_t max_size = 1 << 20;
    std::uint32_t max_errors = 3;
    std::vector<io::Network> networks;
    std::vector<Millis> steps{Millis(1'000)};
    Extra extra;
    static const SectionInfo& section();
};
constexpr OptionRow daemon_rows[] = {
    duration<&DaemonOptions::idle_timeout>("idle_timeout", Seconds(10), Seconds(3'600), "Idle."),
    size<&DaemonOptions::max_size>("max_size", 1'024, 1ULL << 30, "Size."),
    integer<&DaemonOptions::max_errors>("max_errors", 1, 100, "Errors."),
    network_list<&DaemonOptions::networks>("networks", "Networks."),
    duration_list<&DaemonOptions::steps>("steps", "Steps."),
    group<&DaemonOptions::extra>("extra", extra_schema, "More."),
};
constexpr Schema daemon_schema{daemon_rows};

std::vector<Listener> builtin_listeners() {
    std::vector<Listener> out(2);
    out[0].name = out[0].fd_name = "pop3";
    out[0].addresses = {"*"};
    out[0].port = 110;
    out[1].name = out[1].fd_name = "pop3s";
    out[1].addresses = {"*"};
    out[1].port = 995;
    out[1].tls = TlsMode::implicit;
    return out;
}

void check_daemon(const void* options, SectionCheck& check) {
    const auto& o = *static_cast<const DaemonOptions*>(options);
    if (o.max_errors > 50 && o.idle_timeout < Seconds(60))
        check.error("max_errors", "too many errors for that timeout");
}

constexpr SectionInfo pop3d_info{
    "pop3d", "A daemon.", &daemon_schema, &make_options<DaemonOptions>, &builtin_listeners, &check_daemon};
constexpr SectionInfo smtpd_info{"smtpd", "Another.", &daemon_schema, &make_options<DaemonOptions>, &builtin_listeners,
                                 nullptr};

} // namespace

const SectionInfo& DaemonOptions::section() { return pop3d_info; }

namespace {

class Config : public ::testing::Test {
  protected:
    Config() {
        std::string pattern = ::testing::TempDir() + "posada-config-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        source_.file = directory_ + "/posada.toml";
    }
    ~Config() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& name, std::string_view text) {
        const std::filesystem::path path = directory_ + "/" + name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
    }
    // The errors of pop3d with the directory's name taken out.
    std::string errors_of(std::string_view text, const SectionInfo& section = pop3d_info) {
        write("posada.toml", text);
        return shown(load_settings(source_, section).errors);
    }
    std::string all_errors() {
        const SectionInfo* const sections[] = {&pop3d_info, &smtpd_info};
        return shown(load_config(source_, sections).errors);
    }
    std::string shown(const std::vector<ConfigError>& errors) const {
        std::string text = errors_text(errors);
        for (std::size_t at = 0; (at = text.find(directory_ + "/")) != std::string::npos;)
            text.erase(at, directory_.size() + 1);
        return text;
    }
    Settings good(std::string_view text) {
        EXPECT_EQ(errors_of(text), "");
        return load_settings(source_, pop3d_info).settings;
    }

    std::string directory_;
    ConfigSource source_;
};

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
    EXPECT_EQ(settings.service().sandbox, SandboxSetting::log);
    EXPECT_TRUE(settings.service().transcript);
}

TEST_F(Config, the_net_process_gets_the_same_values) {
    const Settings settings =
        good("[mail]\ndomains = [\"a.test\"]\n[pop3d]\nidle_timeout = \"20m\"\ntranscript = true\n"
             "steps = [\"2s\", \"4s\"]\n[[pop3d.listen]]\nname = \"x\"\nport = 1110\n");
    DaemonOptions own;
    const auto net = decode_net_options(settings.net_dump(), daemon_schema, &own);
    ASSERT_TRUE(net) << net.error().text;
    EXPECT_TRUE(net->service.transcript);
    EXPECT_TRUE(net->service.listen.empty());
    EXPECT_EQ(net->mail.domains, std::vector<std::string>{"a.test"});
    EXPECT_EQ(own.idle_timeout, Seconds(1'200));
    EXPECT_EQ(own.steps.size(), 2U);
    EXPECT_FALSE(decode_net_options(settings.net_dump() + "x", daemon_schema, &own));
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
    write("posada.toml", "[ftpd]\nbanner = \"x\"\n");
    EXPECT_EQ(all_errors(), "posada.toml:1:2: unknown section [ftpd]\n"
                            "     1 | [ftpd]\n"
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

// ---- contradictions

TEST_F(Config, a_chain_without_a_key_is_an_error) {
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

TEST_F(Config, legacy_tls_is_for_private_addresses) {
    const std::string tls = "[tls]\nchain = \"/c\"\nkey = \"/k\"\n[[pop3d.listen]]\nname = \"x\"\nport = 1110\n"
                            "tls = \"legacy\"\n";
    EXPECT_EQ(errors_of(tls), "posada.toml:7:1: \"legacy\" TLS can be broken by anybody on the way: it is allowed on "
                              "private addresses only; write them in \"address\"\n"
                              "     7 | tls = \"legacy\"\n"
                              "       | ^\n");
    EXPECT_NE(errors_of(tls + "address = [\"192.168.1.2\", \"203.0.113.5\"]\n"), "");
    EXPECT_EQ(errors_of(tls + "address = [\"192.168.1.2\", \"::1\"]\n"), "");
}

TEST_F(Config, a_listener_with_tls_needs_a_certificate) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\nname = \"x\"\nport = 1995\ntls = \"implicit\"\n"),
              "posada.toml:4:1: this listener needs a certificate: set \"chain\" and \"key\" in [tls]\n"
              "     4 | tls = \"implicit\"\n"
              "       | ^\n");
}

TEST_F(Config, a_trusted_listener_must_be_private) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\nname = \"x\"\nport = 1110\ntrusted = true\n"),
              "posada.toml:4:1: \"trusted\" is allowed on private addresses only; write them in \"address\"\n"
              "     4 | trusted = true\n"
              "       | ^\n");
}

TEST_F(Config, a_listener_needs_name_and_port) {
    EXPECT_EQ(errors_of("[[pop3d.listen]]\n"), "posada.toml:1:1: \"name\" is missing in [[pop3d.listen]]\n"
                                               "     1 | [[pop3d.listen]]\n"
                                               "       | ^\n"
                                               "posada.toml:1:1: \"port\" is missing in [[pop3d.listen]]\n"
                                               "     1 | [[pop3d.listen]]\n"
                                               "       | ^\n");
}

TEST_F(Config, two_listeners_cannot_share_a_name_or_a_port) {
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

TEST_F(Config, a_newer_format_is_refused) {
    EXPECT_EQ(errors_of("config_version = 2\n"),
              "posada.toml:1:1: this posada understands config_version 1; the file is for a newer one\n"
              "     1 | config_version = 2\n"
              "       | ^\n");
}

TEST_F(Config, limits_that_contradict_each_other_are_refused) {
    EXPECT_EQ(errors_of("[limits]\nper_source = 10\nper_service = 5\n"),
              "posada.toml:2:1: \"per_source\" (10) is more than \"per_service\" (5)\n"
              "     2 | per_source = 10\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[limits]\npenalty_start = \"2m\"\n"),
              "posada.toml:2:1: \"penalty_start\" (2m) is more than \"penalty_max\" (1m)\n"
              "     2 | penalty_start = \"2m\"\n"
              "       | ^\n");
}

TEST_F(Config, scram_with_pam_is_refused) {
    EXPECT_EQ(errors_of("[auth]\nscram = true\n"),
              "posada.toml:2:1: \"scram\" needs backends = [\"users\"]: accounts of PAM have no SCRAM verifier, and "
              "clients that see SCRAM do not try anything else\n"
              "     2 | scram = true\n"
              "       | ^\n");
    EXPECT_EQ(errors_of("[auth]\nbackends = [\"users\"]\nscram = true\n"), "");
}

TEST_F(Config, names_must_be_host_names) {
    EXPECT_EQ(errors_of("hostname = \"bad name\"\n[mail]\ndomains = [\"ok.test\", \"-x\"]\n"),
              "posada.toml:1:1: \"bad name\" is not a host name; set \"hostname\"\n"
              "     1 | hostname = \"bad name\"\n"
              "       | ^\n"
              "posada.toml:3:1: \"-x\" is not a domain name\n"
              "     3 | domains = [\"ok.test\", \"-x\"]\n"
              "       | ^\n");
}

TEST_F(Config, a_daemons_own_check_points_at_the_key) {
    EXPECT_EQ(errors_of("[pop3d]\nidle_timeout = \"10s\"\nmax_errors = 60\n"),
              "posada.toml:3:1: too many errors for that timeout\n"
              "     3 | max_errors = 60\n"
              "       | ^\n");
}

// ---- listeners

TEST_F(Config, without_a_certificate_the_built_in_tls_port_is_left_out) {
    EXPECT_EQ(good("").listeners().size(), 1U);
    EXPECT_EQ(good("[tls]\nchain = \"/c\"\nkey = \"/k\"\n").listeners().size(), 2U);
}

TEST_F(Config, listeners_inherit_what_they_do_not_say) {
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

TEST_F(Config, nesting_without_end_is_an_error) {
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

TEST_F(Config, lines_that_trip_the_parsers_assertions_are_errors_with_a_place) {
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

TEST_F(Config, text_that_is_not_ascii_may_stand_in_quotes_and_comments) {
    EXPECT_EQ(errors_of("# \xC3\xB1\nhostname = \"a.test\" # \xC3\xB1\n[paths]\nstate_dir = '/srv/\xC3\xB1'\n"
                        "run_dir = \"\"\"/run/\xC3\xB1\"\"\"\n"),
              "");
}

TEST_F(Config, a_line_or_file_of_absurd_length_is_an_error) {
    EXPECT_EQ(errors_of("hostname = \"" + std::string(5'000, 'x') + "\"\n").substr(0, 50),
              "posada.toml:1:4096: a line of more than 4096 octet");
    EXPECT_EQ(errors_of(std::string((1U << 20) + 1, '\n')), "posada.toml: is larger than 1M\n");
}

TEST_F(Config, nul_and_invalid_utf8_are_errors_with_a_place) {
    EXPECT_EQ(errors_of(std::string_view("[pop3d]\nx = \"\0\"\n", 15)),
              "posada.toml:2:6: a NUL byte; this is not a text file\n"
              "     2 | x = \"?\"\n"
              "       |      ^\n");
    EXPECT_EQ(errors_of("[pop3d]\nx = \"\xFF\"\n").substr(0, 48), "posada.toml:2:1: this line is not valid UTF-8\n  ");
}

TEST_F(Config, control_characters_of_the_file_do_not_reach_the_terminal) {
    const std::string shown_text = errors_of("[pop3d]\nx = \"\x1B[31m\"\n\"\\u001b[2J\" = 1\n");
    EXPECT_EQ(shown_text.find('\x1B'), std::string::npos);
}

TEST_F(Config, a_flood_of_mistakes_is_cut) {
    std::string text = "[pop3d]\n";
    for (int i = 0; i < 5'000; ++i) text += "k" + std::to_string(i) + " = 1\n";
    write("posada.toml", text);
    EXPECT_EQ(load_settings(source_, pop3d_info).errors.size(), 200U);
}

TEST_F(Config, a_carriage_return_before_the_line_end_is_no_mistake) {
    EXPECT_EQ(good("[pop3d]\r\nmax_errors = 9\r\n").options<DaemonOptions>().max_errors, 9U);
}

} // namespace
} // namespace posada::service
