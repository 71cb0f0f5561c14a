// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/sections.h"

#include "pop3d/options.h"
#include "smtpd/options.h"

namespace posada::ctl {

std::span<const service::SectionInfo* const> all_sections() {
    static const service::SectionInfo* const sections[] = {&pop3d::Pop3Options::section(),
                                                           &smtpd::SmtpdOptions::section()};
    return sections;
}

} // namespace posada::ctl
