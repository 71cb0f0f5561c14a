// SPDX-License-Identifier: BSD-2-Clause
// The configuration: /etc/posada/posada.toml and conf.d/*.toml next to it, valid when empty or absent. Every mistake
// is reported, each with file:line:col, the line itself and, for a misspelt word, the nearest right one. A mistake in
// a daemon's section stops only that daemon. Loading happens in launchers and `posada`; net programs get a dump.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/service/config/options.h"
#include "common/service/config/schema.h"
#include "common/service/endpoint.h"

namespace posada::service {

inline constexpr std::string_view default_config_file = "/etc/posada/posada.toml";

struct Position {
    std::string file;
    unsigned line = 0; // from 1; 0 = the file as a whole
    unsigned column = 0;
    [[nodiscard]] std::string text() const; // "posada.toml:14:3"
};

struct ConfigError {
    Position at;
    std::string section; // "pop3d"; "" = common to all daemons
    std::string message;
    std::string excerpt; // the line of the file; empty = none
    // "file:line:col: message", then the excerpt with a caret; no newline at the end.
    [[nodiscard]] std::string text() const;
};
std::string errors_text(const std::vector<ConfigError>& errors);
// config-rejected for each line of such a text; the excerpts are for screens.
void log_rejected(std::string_view service, std::string_view errors);

// What a daemon's own checks see: where each key was written, and where to complain.
class SectionCheck {
  public:
    virtual ~SectionCheck() = default;
    // path: within the section, "idle_timeout", "listen[0].port". An error at a key that was not written points at
    // the section.
    [[nodiscard]] virtual bool written(std::string_view path) const = 0;
    virtual void error(std::string_view path, std::string message) = 0;
};

// One daemon's section of the file. Several programs may share one ([smtpd]: port 25, submission, queue).
struct SectionInfo {
    std::string_view name; // "pop3d"
    std::string_view doc;
    const Schema* schema;
    std::shared_ptr<void> (*make)(); // a default-constructed options struct
    std::vector<Listener> (*builtin_listeners)();
    void (*check)(const void* options, SectionCheck& check); // contradictions inside the section; may be nullptr
    std::string_view pam_service = {};                       // the file of /etc/pam.d
    bool takes_mail = false; // net programs are told [mail]; listeners have "auth" and "trusted"
};

// T::section() must return the SectionInfo whose make() makes a T.
template <class T>
std::shared_ptr<void> make_options() {
    return std::make_shared<T>();
}

// One daemon's view of the configuration.
class Settings {
  public:
    [[nodiscard]] const CommonOptions& common() const { return *common_; }
    [[nodiscard]] const ServiceOptions& service() const { return *service_; }
    // The configured listeners, or the daemon's built-in ones.
    [[nodiscard]] const std::vector<Listener>& listeners() const { return listeners_; }
    template <class T>
    [[nodiscard]] const T& options() const {
        if (section_ != &T::section()) std::abort();
        return *static_cast<const T*>(options_.get());
    }
    [[nodiscard]] const SectionInfo& section() const { return *section_; }
    [[nodiscard]] const void* raw_options() const { return options_.get(); }
    // What travels to the net process; read it with decode_net_options. Holds no path of a secret and no secret.
    [[nodiscard]] std::string net_dump() const;
    // Where a key was written ("pop3d.idle_timeout"); nullptr = it has its default.
    [[nodiscard]] const Position* origin(std::string_view path) const;

    // Defaults only, for tests and tools.
    static Settings defaults(const SectionInfo& section);

  private:
    friend struct ConfigBuilder;
    std::shared_ptr<CommonOptions> common_;
    std::shared_ptr<ServiceOptions> service_;
    std::shared_ptr<void> options_;
    std::vector<Listener> listeners_;
    const SectionInfo* section_ = nullptr;
    std::shared_ptr<const std::map<std::string, Position, std::less<>>> origins_;
};

struct ConfigSource {
    std::string file{default_config_file};
    bool must_exist = false; // --config was given: an absent file is an error
    // conf.d beside the file.
    [[nodiscard]] std::string drop_in_directory() const;
};

// For a daemon: its settings, or every error that concerns it (Errc::invalid; exit 78). Errors of other sections are
// not looked at.
struct LoadedSettings {
    Settings settings;
    std::vector<ConfigError> errors; // any = do not use settings
};
LoadedSettings load_settings(const ConfigSource& source, const SectionInfo& section);

// For `posada`: one Settings per section in the order given, and all errors.
struct LoadedConfig {
    std::vector<Settings> settings;
    std::vector<ConfigError> errors;
    std::vector<std::string> files; // that were read, in order
};
LoadedConfig load_config(const ConfigSource& source, std::span<const SectionInfo* const> sections);

// The net side. options: of the struct that the section's make() makes.
struct NetOptions {
    ServiceOptions service;       // without listen: a connection brings its listener
    MailOptions mail;             // of a section that takes_mail
    bool scram = false;           // [auth] scram: SCRAM-SHA-256 may be offered
    bool channel_binding = false; // and SCRAM-SHA-256-PLUS
};
Result<NetOptions> decode_net_options(std::string_view dump, const SectionInfo& section, void* options);

} // namespace posada::service
