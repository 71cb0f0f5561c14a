// SPDX-License-Identifier: BSD-2-Clause
// Files to Settings: read, parse, merge, apply the schemas, look for contradictions.
#include "common/service/config/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "common/service/config/config_apply.h"
#include "common/service/config/config_check.h"
#include "common/service/config/config_tree.h"

namespace posada::service {

namespace {

// Every daemon that exists: one that does not look at the others' sections must not take them for unknown words.
constexpr std::string_view daemon_sections[] = {"ftpd", "pop3d", "smtpd"};

std::string system_hostname() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || !is_host_name(name.data())) return "localhost";
    return name.data();
}

// ---- merging files

void merge_table(ConfigNode& into, ConfigNode&& from, const std::string& scope, ErrorList& errors);

void merge_node(ConfigNode& into, ConfigNode&& from, const std::string& scope, ErrorList& errors) {
    if (into.kind == NodeKind::table && from.kind == NodeKind::table)
        return merge_table(into, std::move(from), scope, errors);
    if (into.is_list_of_tables() && from.is_list_of_tables()) {
        std::move(from.children.begin(), from.children.end(), std::back_inserter(into.children));
        return;
    }
    errors.add(*from.file, from.key_line, from.key_column, scope,
               fmt::format("\"{}\" is set here and at {}:{}:{}; keep one of them", escape_for_log(from.key),
                           into.file->name, into.key_line, into.key_column));
}

void merge_table(ConfigNode& into, ConfigNode&& from, const std::string& scope, ErrorList& errors) {
    for (ConfigNode& child : from.children) {
        const auto same = std::find_if(into.children.begin(), into.children.end(),
                                       [&](const ConfigNode& node) { return node.key == child.key; });
        if (same == into.children.end()) {
            into.children.push_back(std::move(child));
        } else {
            merge_node(*same, std::move(child), scope, errors);
        }
    }
}

// ---- words at the top of the file

// The daemons' sections: all that exist and those that are asked for.
using Names = std::vector<std::string_view>;

bool has(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

Names daemon_names(std::span<const SectionInfo* const> asked_for) {
    Names names(std::begin(daemon_sections), std::end(daemon_sections));
    for (const SectionInfo* section : asked_for)
        if (!has(names, section->name)) names.push_back(section->name);
    return names;
}

Names top_level_words(const Names& daemons) {
    Names words = daemons;
    for (const OptionRow& row : common_schema().rows) words.push_back(row.key);
    return words;
}

bool is_section(const ConfigNode& node) { return node.kind == NodeKind::table || node.is_list_of_tables(); }

void report_unknown_sections(const ConfigNode& root, const Names& daemons, ErrorList& errors) {
    const Names words = top_level_words(daemons);
    for (const ConfigNode& node : root.children) {
        if (has(words, node.key) || !is_section(node)) continue; // a key that is no section: the applier says it
        errors.add(*node.file, node.key_line, node.key_column, error_scope(node.key, daemons),
                   fmt::format("unknown section [{}]{}", escape_for_log(node.key.substr(0, 60)),
                               did_you_mean(node.key, words)));
    }
}

// What the applier must leave alone at the top: daemons' sections, and unknown ones, which are reported already.
Names not_common(const ConfigNode& root, const Names& daemons) {
    const Names words = top_level_words({});
    Names names = daemons;
    for (const ConfigNode& node : root.children)
        if (!has(words, node.key) && is_section(node)) names.push_back(node.key);
    return names;
}

} // namespace

std::string error_scope(std::string_view section, const Names& daemons) {
    const Names words = top_level_words(daemons);
    const std::string_view meant = has(words, section) ? section : suggest(section, words);
    if (has(daemons, meant)) return std::string(meant);
    if (!meant.empty()) return "";
    return section.empty() ? "?" : std::string(section);
}

// One load: the files live as long as this object, and with them every pointer into them.
struct ConfigBuilder {
    Names daemons;
    ErrorList errors;
    std::vector<std::unique_ptr<ConfigFile>> files;
    ConfigNode root;
    Origins origins;
    std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();

    void parse_and_merge();
    void apply_common();
    Settings build(const SectionInfo& section);
    void share_origins(std::vector<Settings>& all) const;
    static Settings blank(const SectionInfo& section, std::shared_ptr<CommonOptions> common);
    static void choose_listeners(Settings& settings);
};

void ConfigBuilder::parse_and_merge() {
    for (const auto& file : files) {
        ConfigNode parsed = parse_toml(*file, daemons, errors);
        if (root.file == nullptr) root.file = file.get();
        for (ConfigNode& child : parsed.children) {
            const std::string scope = has(daemons, child.key) ? child.key : "";
            ConfigNode one;
            one.children.push_back(std::move(child));
            merge_table(root, std::move(one), scope, errors);
        }
    }
}

static void fill_in_system_names(CommonOptions& common) {
    if (common.hostname.empty()) common.hostname = system_hostname();
    if (common.mail.domains.empty()) common.mail.domains.push_back(common.hostname);
    for (std::string& domain : common.mail.domains) domain = ascii_lower(domain);
}

void ConfigBuilder::apply_common() {
    report_unknown_sections(root, daemons, errors);
    const Part part{&common_schema(), common.get()};
    Applier(errors, origins).apply(root, std::span(&part, 1), "", "", not_common(root, daemons));
    fill_in_system_names(*common);
    PlacedCheck check(errors, origins, root, "");
    check_common(*common, check);
}

Settings ConfigBuilder::blank(const SectionInfo& section, std::shared_ptr<CommonOptions> common) {
    Settings out;
    out.common_ = std::move(common);
    out.service_ = std::make_shared<ServiceOptions>();
    out.options_ = section.make();
    out.section_ = &section;
    out.origins_ = std::make_shared<const std::map<std::string, Position, std::less<>>>();
    return out;
}

// Without a certificate the built-in implicit-TLS listeners have nothing to offer; configured ones are an error then.
void ConfigBuilder::choose_listeners(Settings& settings) {
    settings.listeners_ = settings.service_->listen;
    if (!settings.listeners_.empty()) return;
    const bool tls = !settings.common_->tls.all().empty();
    for (Listener& listener : settings.section_->builtin_listeners()) {
        if (listener.tls == TlsMode::implicit && !tls) continue;
        listener.plaintext_auth = settings.service_->plaintext_auth;
        settings.listeners_.push_back(std::move(listener));
    }
}

Settings ConfigBuilder::build(const SectionInfo& section) {
    Settings out = blank(section, common);
    const std::string name(section.name);
    const ConfigNode* table = root.find(name);
    PlacedCheck check(errors, origins, root, name);
    if (table != nullptr && table->kind != NodeKind::table) {
        errors.add(*table->file, table->line, table->column, name,
                   fmt::format("\"{}\" must be a section: [{}]", name, name));
    } else if (table != nullptr) {
        origins[name] = {table->file, table->key_line, table->key_column};
        const Part parts[] = {{&service_schema(), out.service_.get()}, {section.schema, out.options_.get()}};
        Applier(errors, origins).apply(*table, parts, name, name);
        complete_listeners(*out.service_, section, !common->tls.all().empty(), check);
    }
    if (section.check != nullptr) section.check(out.options_.get(), check);
    choose_listeners(out);
    return out;
}

void ConfigBuilder::share_origins(std::vector<Settings>& all) const {
    auto shared = std::make_shared<std::map<std::string, Position, std::less<>>>();
    for (const auto& [path, at] : origins) shared->emplace(path, Position{at.file->name, at.line, at.column});
    for (Settings& settings : all) settings.origins_ = shared;
}

const Position* Settings::origin(std::string_view path) const {
    const auto at = origins_->find(path);
    return at == origins_->end() ? nullptr : &at->second;
}

Settings Settings::defaults(const SectionInfo& section) {
    auto common = std::make_shared<CommonOptions>();
    fill_in_system_names(*common);
    Settings out = ConfigBuilder::blank(section, std::move(common));
    ConfigBuilder::choose_listeners(out);
    return out;
}

LoadedConfig load_config_files(std::vector<std::unique_ptr<ConfigFile>> files, ErrorList errors,
                               std::span<const SectionInfo* const> sections) {
    ConfigBuilder builder;
    LoadedConfig out;
    builder.daemons = daemon_names(sections);
    builder.files = std::move(files);
    builder.errors = std::move(errors);
    builder.parse_and_merge();
    builder.apply_common();
    for (const SectionInfo* section : sections) out.settings.push_back(builder.build(*section));
    builder.share_origins(out.settings);
    for (const auto& file : builder.files) out.files.push_back(file->name);
    out.errors = builder.errors.take();
    return out;
}

LoadedConfig load_config(const ConfigSource& source, std::span<const SectionInfo* const> sections) {
    ErrorList errors;
    auto files = read_config_files(source, errors);
    return load_config_files(std::move(files), std::move(errors), sections);
}

LoadedSettings load_settings(const ConfigSource& source, const SectionInfo& section) {
    const SectionInfo* const one[] = {&section};
    LoadedConfig all = load_config(source, one);
    LoadedSettings out{std::move(all.settings.front()), {}};
    for (ConfigError& error : all.errors)
        if (error.section.empty() || error.section == section.name) out.errors.push_back(std::move(error));
    return out;
}

} // namespace posada::service
