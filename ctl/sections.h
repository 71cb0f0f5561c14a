// SPDX-License-Identifier: BSD-2-Clause
// Every section that a configuration may have: what `posada config`, `posada check` and the manual look at.
#pragma once

#include <span>

#include "common/service/config/config.h"

namespace posada::ctl {

std::span<const service::SectionInfo* const> all_sections();
// For commands that need no daemon's section: mistakes in one do not stop them.
service::LoadedSettings load_common(const service::ConfigSource& source);

} // namespace posada::ctl
