// SPDX-License-Identifier: BSD-2-Clause
// Hostile configuration files: main file and drop-ins, separated by a line "---". Whatever they say, loading ends in
// errors with a place inside a file, or in settings whose dump and whose TOML form give the same settings again.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/text.h"
#include "common/service/config/config_print.h"
#include "common/service/config/config_tree.h"
#include "ctl/sections.h"

using namespace posada;
using namespace posada::service;

namespace {

std::vector<std::unique_ptr<ConfigFile>> files_of(std::string_view input) {
    std::vector<std::unique_ptr<ConfigFile>> files;
    while (files.size() < 5) {
        const std::size_t at = input.find("\n---\n");
        files.push_back(std::make_unique<ConfigFile>());
        files.back()->name = "f" + std::to_string(files.size());
        files.back()->text = std::string(input.substr(0, at == std::string_view::npos ? at : at + 1));
        if (at == std::string_view::npos) break;
        input.remove_prefix(at + 5);
    }
    return files;
}

LoadedConfig load(std::string_view input) {
    const auto sections = ctl::all_sections();
    return load_config_files(files_of(input), ErrorList{}, sections);
}

std::string everything(const LoadedConfig& config) {
    Writer out;
    encode_options(common_schema(), &config.settings.front().common(), out);
    std::string bytes = out.take();
    for (const Settings& settings : config.settings) {
        bytes += settings.net_dump();
        for (const Listener& listener : settings.listeners())
            bytes += listener.name + " " + listener.fd_name + " " + std::to_string(listener.port);
    }
    return bytes;
}

void require(bool condition) {
    if (!condition) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const LoadedConfig config = load({reinterpret_cast<const char*>(data), size});
    const std::string text = errors_text(config.errors);
    for (const char c : text) require(c == '\n' || c == '\t' || !has_control(std::string_view(&c, 1)));
    if (!config.errors.empty()) return 0;
    const LoadedConfig again = load(config_as_toml(config.settings, PrintOptions{}));
    require(again.errors.empty());
    require(everything(again) == everything(config));
    require(everything(load(config_as_toml(config.settings, PrintOptions{true, true}))) == everything(config));
    config_as_json(config.settings, PrintOptions{false, true});
    for (const Settings& settings : config.settings) {
        const std::shared_ptr<void> decoded = settings.section().make();
        require(decode_net_options(settings.net_dump(), settings.section(), decoded.get()).ok());
    }
    return 0;
}
