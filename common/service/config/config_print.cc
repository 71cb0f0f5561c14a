// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/config/config_print.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace posada::service {

namespace {

// A struct with its schema, and a default-constructed one to compare with.
struct Shown {
    const Schema* schema;
    void* options;
    void* defaults;
};

std::string join(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

class Printer {
  public:
    Printer(const Settings& settings, const PrintOptions& options) : settings_(settings), options_(options) {}
    virtual ~Printer() = default;

  protected:
    [[nodiscard]] bool left_out(const OptionRow& row, const Shown& shown) const {
        return options_.only_changed && to_toml(row, row.get(shown.options)) == to_toml(row, row.get(shown.defaults));
    }
    const Settings& settings_;
    PrintOptions options_;
};

// ---- TOML

class TomlPrinter final : Printer {
  public:
    using Printer::Printer;

    // header: "[pop3d]"; empty at the top of the file.
    void table(const std::string& header, const std::string& path, std::span<const Shown> parts, bool element = false) {
        std::string body;
        for (const Shown& shown : parts)
            for (const OptionRow& row : shown.schema->rows)
                if (row.inner == nullptr) value(row, shown, join(path, row.key), element, body);
        if (!header.empty() && (!body.empty() || element)) out_.append("\n").append(header).append("\n");
        out_ += body;
        for (const Shown& shown : parts)
            for (const OptionRow& row : shown.schema->rows) inner(row, shown, join(path, row.key));
    }
    void note(std::string_view line) { out_.append("# ").append(line).append("\n"); }
    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    // Of a table in an array only what was written: the rest depends on the section.
    void value(const OptionRow& row, const Shown& shown, const std::string& path, bool element, std::string& body) {
        const Position* origin = settings_.origin(path);
        if (element ? origin == nullptr : left_out(row, shown)) return;
        std::string line = fmt::format("{} = {}", row.key, to_toml(row, row.get(shown.options)));
        if (options_.origin)
            line += fmt::format("  # {}", origin == nullptr ? "default" : escape_for_log(origin->text()));
        body.append(line).append("\n");
    }
    void inner(const OptionRow& row, const Shown& shown, const std::string& path) {
        if (row.type == OptionType::group) {
            const Shown one{row.inner, row.element(shown.options, 0), row.element(shown.defaults, 0)};
            return table(fmt::format("[{}]", path), path, std::span(&one, 1));
        }
        if (row.type != OptionType::tables) return;
        for (std::size_t i = 0; i < row.count(shown.options); ++i) {
            const Shown one{row.inner, row.element(shown.options, i), row.element(shown.options, i)};
            table(fmt::format("[[{}]]", path), fmt::format("{}[{}]", path, i), std::span(&one, 1), true);
        }
    }
    std::string out_;
};

std::string_view tls_word(TlsMode mode) {
    switch (mode) {
    case TlsMode::none: return "none";
    case TlsMode::starttls: return "starttls";
    case TlsMode::implicit: return "implicit";
    case TlsMode::legacy: return "legacy";
    }
    return "";
}

// ---- JSON; TOML's scalars and lists, as to_toml() writes them, are JSON too

class JsonPrinter final : Printer {
  public:
    using Printer::Printer;

    // The members of an object, without braces.
    std::string members(const std::string& path, std::span<const Shown> parts) {
        std::string out;
        for (const Shown& shown : parts)
            for (const OptionRow& row : shown.schema->rows) {
                const std::string text = member(row, shown, join(path, row.key));
                if (!text.empty()) out += fmt::format("{}\"{}\": {}", out.empty() ? "" : ", ", row.key, text);
            }
        return out;
    }
    std::string listeners() {
        std::string out;
        const OptionRow* rows = nullptr;
        for (const OptionRow& row : service_schema().rows)
            if (row.type == OptionType::tables) rows = &row;
        for (Listener listener : settings_.listeners()) {
            Listener unlike; // with its own defaults nothing of a listener is left out
            const Shown one{rows->inner, &listener, &unlike};
            JsonPrinter whole(settings_, PrintOptions{});
            out += fmt::format("{}{{{}}}", out.empty() ? "" : ", ", whole.members("", std::span(&one, 1)));
        }
        return fmt::format("[{}]", out);
    }

  private:
    std::string member(const OptionRow& row, const Shown& shown, const std::string& path) {
        if (row.type == OptionType::group) {
            const Shown one{row.inner, row.element(shown.options, 0), row.element(shown.defaults, 0)};
            const std::string inside = members(path, std::span(&one, 1));
            return inside.empty() && options_.only_changed ? "" : fmt::format("{{{}}}", inside);
        }
        if (row.type == OptionType::tables) return list(row, shown, path);
        if (left_out(row, shown)) return "";
        const std::string value = to_toml(row, row.get(shown.options));
        if (!options_.origin) return value;
        const Position* origin = settings_.origin(path);
        return fmt::format("{{\"value\": {}, \"origin\": {}}}", value,
                           origin == nullptr ? "null" : fmt::format("\"{}\"", escape_for_log(origin->text())));
    }
    std::string list(const OptionRow& row, const Shown& shown, const std::string& path) {
        const std::size_t count = row.count(shown.options);
        if (row.key == "listen" || (count == 0 && options_.only_changed)) return ""; // listeners() has them all
        std::string out;
        for (std::size_t i = 0; i < count; ++i) {
            const Shown one{row.inner, row.element(shown.options, i), row.element(shown.options, i)};
            JsonPrinter whole(settings_, PrintOptions{false, options_.origin});
            out += fmt::format("{}{{{}}}", i == 0 ? "" : ", ",
                               whole.members(fmt::format("{}[{}]", path, i), std::span(&one, 1)));
        }
        return fmt::format("[{}]", out);
    }
};

// ---- the structs of one Settings; element() needs them mutable, nothing is changed

template <class T>
void* mutable_of(const T& value) {
    return const_cast<void*>(static_cast<const void*>(&value));
}

struct SectionParts {
    ServiceOptions default_service;
    std::shared_ptr<void> default_options;
    std::vector<Shown> parts;
    explicit SectionParts(const Settings& settings) : default_options(settings.section().make()) {
        parts.push_back({&service_schema(), mutable_of(settings.service()), &default_service});
        parts.push_back({settings.section().schema, const_cast<void*>(settings.raw_options()), default_options.get()});
    }
};

// The host name that the system has is a default too.
struct CommonParts {
    CommonOptions defaults;
    Shown part;
    explicit CommonParts(const Settings& settings) : part{&common_schema(), mutable_of(settings.common()), &defaults} {
        if (settings.origin("hostname") == nullptr) defaults.hostname = settings.common().hostname;
        if (settings.origin("mail.domains") == nullptr) defaults.mail.domains = settings.common().mail.domains;
    }
};

} // namespace

std::string config_as_toml(std::span<const Settings> settings, const PrintOptions& options) {
    if (settings.empty()) return "";
    TomlPrinter out(settings.front(), options);
    const CommonParts common(settings.front());
    out.table("", "", std::span(&common.part, 1));
    for (const Settings& one : settings) {
        const std::string name(one.section().name);
        const SectionParts section(one);
        out.table(fmt::format("[{}]", name), name, section.parts);
        if (!one.service().listen.empty() || options.only_changed) continue;
        for (const Listener& listener : one.listeners())
            out.note(fmt::format("built in: [[{}.listen]] name = \"{}\", port = {}, tls = \"{}\"", name, listener.name,
                                 listener.port, tls_word(listener.tls)));
    }
    return out.take();
}

std::string config_as_json(std::span<const Settings> settings, const PrintOptions& options) {
    if (settings.empty()) return "{}\n";
    const CommonParts common(settings.front());
    std::string out = JsonPrinter(settings.front(), options).members("", std::span(&common.part, 1));
    for (const Settings& one : settings) {
        const std::string name(one.section().name);
        const SectionParts section(one);
        JsonPrinter printer(one, options);
        const std::string inside = printer.members(name, section.parts);
        out += fmt::format("{}\"{}\": {{{}{}\"listeners\": {}}}", out.empty() ? "" : ", ", name, inside,
                           inside.empty() ? "" : ", ", printer.listeners());
    }
    return fmt::format("{{{}}}\n", out);
}

} // namespace posada::service
