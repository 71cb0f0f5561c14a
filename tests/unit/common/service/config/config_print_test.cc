// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/config/config_print.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/service/config/config_tree.h"

namespace posada::service {
namespace {

struct Options {
    Millis wait{60'000};
    std::vector<io::Network> networks;
};
constexpr OptionRow rows[] = {
    duration<&Options::wait>("wait", Seconds(1), Seconds(3'600), "Wait."),
    network_list<&Options::networks>("networks", "Networks."),
};
constexpr Schema schema{rows};

std::vector<Listener> builtin_listeners() {
    std::vector<Listener> out(1);
    out[0].name = out[0].fd_name = "pop3";
    out[0].addresses = {"*"};
    out[0].port = 110;
    return out;
}

constexpr SectionInfo info{"pop3d", "A daemon.", &schema, &make_options<Options>, &builtin_listeners,
                           nullptr, "",          true};

LoadedConfig load(std::string_view text) {
    std::vector<std::unique_ptr<ConfigFile>> files;
    files.push_back(std::make_unique<ConfigFile>());
    files.back()->name = "f.toml";
    files.back()->text = text;
    const SectionInfo* const sections[] = {&info};
    LoadedConfig out = load_config_files(std::move(files), ErrorList{}, sections);
    EXPECT_EQ(errors_text(out.errors), "");
    return out;
}

constexpr std::string_view sample = "hostname = \"a.test\"\n"
                                    "[pop3d]\nwait = \"2m\"\nnetworks = [\"10.0.0.0/8\"]\n"
                                    "[[pop3d.listen]]\nname = \"x\"\nport = 1110\nauth = true\n";

TEST(ConfigPrint, only_what_differs_from_the_defaults) {
    EXPECT_EQ(config_as_toml(load(sample).settings, {true, false}),
              "hostname = \"a.test\"\n"
              "\n[pop3d]\nwait = \"2m\"\nnetworks = [\"10.0.0.0/8\"]\n"
              "\n[[pop3d.listen]]\nname = \"x\"\nport = 1110\nauth = true\n");
    EXPECT_EQ(config_as_toml(load("").settings, {true, false}), "");
    EXPECT_EQ(config_as_toml(load("[pop3d]\nwait = \"1m\"\n").settings, {true, false}), "");
}

TEST(ConfigPrint, origins_follow_the_values) {
    EXPECT_EQ(config_as_toml(load("[pop3d]\n  wait = \"2m\"\n").settings, {true, true}),
              "\n[pop3d]\nwait = \"2m\"  # f.toml:2:3\n");
    EXPECT_NE(config_as_toml(load("").settings, {false, true}).find("wait = \"1m\"  # default\n"), std::string::npos);
}

TEST(ConfigPrint, the_whole_configuration_loads_again_to_the_same) {
    for (const std::string_view text : {std::string_view(""), sample}) {
        const LoadedConfig first = load(text);
        const LoadedConfig second = load(config_as_toml(first.settings, {}));
        EXPECT_EQ(second.settings[0].net_dump(), first.settings[0].net_dump());
        EXPECT_EQ(second.settings[0].common().hostname, first.settings[0].common().hostname);
        EXPECT_EQ(second.settings[0].listeners()[0].name, first.settings[0].listeners()[0].name);
        EXPECT_EQ(config_as_toml(second.settings, {}), config_as_toml(first.settings, {}));
    }
}

TEST(ConfigPrint, built_in_listeners_are_comments) {
    EXPECT_NE(config_as_toml(load("").settings, {})
                  .find("# built in: [[pop3d.listen]] name = \"pop3\", port = 110, tls = \"starttls\"\n"),
              std::string::npos);
}

TEST(ConfigPrint, json_has_every_value_and_the_listeners_in_force) {
    const auto whole = nlohmann::json::parse(config_as_json(load(sample).settings, {}), nullptr, false);
    ASSERT_TRUE(whole.is_object());
    EXPECT_EQ(whole["hostname"], "a.test");
    EXPECT_EQ(whole["auth"]["max_attempts"], 3);
    EXPECT_EQ(whole["pop3d"]["networks"][0], "10.0.0.0/8");
    EXPECT_EQ(whole["pop3d"]["listeners"][0]["port"], 1'110);
    EXPECT_EQ(whole["pop3d"]["listeners"][0]["fd_name"], "x");
    const auto changed = nlohmann::json::parse(config_as_json(load(sample).settings, {true, true}), nullptr, false);
    ASSERT_TRUE(changed.is_object());
    EXPECT_FALSE(changed.contains("auth"));
    EXPECT_EQ(changed["pop3d"]["wait"]["value"], "2m");
    EXPECT_EQ(changed["pop3d"]["wait"]["origin"], "f.toml:3:1");
}

} // namespace
} // namespace posada::service
