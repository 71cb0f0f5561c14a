// SPDX-License-Identifier: BSD-2-Clause
// A directory with configuration files, two daemons with every kind of option, and the errors as text.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/service/config/config.h"

namespace posada::service {

struct Extra {
    std::uint32_t depth = 4;
};
inline constexpr OptionRow extra_rows[] = {
    integer<&Extra::depth>("depth", 1, 10, "A depth."),
};
inline constexpr Schema extra_schema{extra_rows};

struct DaemonOptions {
    Millis idle_timeout{600'000};
    std::uint64_t max_size = 1 << 20;
    std::uint32_t max_errors = 3;
    std::vector<io::Network> networks;
    std::vector<Millis> steps{Millis(1'000)};
    Extra extra;
    static const SectionInfo& section();
};
inline constexpr OptionRow daemon_rows[] = {
    duration<&DaemonOptions::idle_timeout>("idle_timeout", Seconds(10), Seconds(3'600), "Idle."),
    size<&DaemonOptions::max_size>("max_size", 1'024, 1ULL << 30, "Size."),
    integer<&DaemonOptions::max_errors>("max_errors", 1, 100, "Errors."),
    network_list<&DaemonOptions::networks>("networks", "Networks."),
    duration_list<&DaemonOptions::steps>("steps", "Steps."),
    group<&DaemonOptions::extra>("extra", extra_schema, "More."),
};
inline constexpr Schema daemon_schema{daemon_rows};

inline std::vector<Listener> builtin_listeners() {
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

inline void check_daemon(const void* options, SectionCheck& check) {
    const auto& o = *static_cast<const DaemonOptions*>(options);
    if (o.max_errors > 50 && o.idle_timeout < Seconds(60))
        check.error("max_errors", "too many errors for that timeout");
}

inline constexpr SectionInfo pop3d_info{
    "pop3d", "A daemon.", &daemon_schema, &make_options<DaemonOptions>, &builtin_listeners, &check_daemon, "", true};
inline constexpr SectionInfo smtpd_info{
    "smtpd", "Another.", &daemon_schema, &make_options<DaemonOptions>, &builtin_listeners, nullptr};

inline const SectionInfo& DaemonOptions::section() { return pop3d_info; }

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

} // namespace posada::service
