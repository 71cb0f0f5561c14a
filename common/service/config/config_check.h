// SPDX-License-Identifier: BSD-2-Clause
// Contradictions: what no single key shows. Internal to the config files of this folder.
#pragma once

#include <string>
#include <utility>

#include "common/service/config/config_apply.h"

namespace posada::service {

// Errors at the place where the path was written, or at the nearest table around it.
class PlacedCheck final : public SectionCheck {
  public:
    // base: "" for the common part, "pop3d" for a section; also the scope of the errors.
    PlacedCheck(ErrorList& errors, const Origins& origins, const ConfigNode& root, std::string base)
        : errors_(errors), origins_(origins), root_(root), base_(std::move(base)) {}
    [[nodiscard]] bool written(std::string_view path) const override;
    void error(std::string_view path, std::string message) override;
    // "posada.toml:3:1" of a written path.
    [[nodiscard]] std::string place(std::string_view path) const;

  private:
    [[nodiscard]] std::string full(std::string_view path) const;
    ErrorList& errors_;
    const Origins& origins_;
    const ConfigNode& root_;
    std::string base_;
};

void check_common(const CommonOptions& common, PlacedCheck& check);
// Fills in what the section's listeners inherit (fd_name, plaintext_auth), then checks them.
void complete_listeners(ServiceOptions& service, const SectionInfo& section, bool tls_configured, PlacedCheck& check);
// A domain or host name: letters, digits, hyphens, dots; any labels in UTF-8 are the mail part's business.
bool is_host_name(std::string_view name);

} // namespace posada::service
