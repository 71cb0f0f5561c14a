// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/sections.h"

#include "ftpd/options.h"
#include "pop3d/options.h"
#include "smtpd/options.h"

namespace posada::ctl {

std::span<const service::SectionInfo* const> all_sections() {
    static const service::SectionInfo* const sections[] = {&ftpd::FtpOptions::section(), &pop3d::Pop3Options::section(),
                                                           &smtpd::SmtpdOptions::section()};
    return sections;
}

service::LoadedSettings load_common(const service::ConfigSource& source) {
    service::LoadedSettings loaded = service::load_settings(source, *all_sections().front());
    std::erase_if(loaded.errors, [](const service::ConfigError& error) { return !error.section.empty(); });
    return loaded;
}

} // namespace posada::ctl
