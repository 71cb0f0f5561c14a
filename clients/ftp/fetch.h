// SPDX-License-Identifier: BSD-2-Clause
// ftp -o FILE ftps://host/file: fetches what addresses name, or stores files under one.
#pragma once

#include "clients/ftp/options.h"

namespace posada::ftp {

// All of them, one connection each; the exit code is that of the first that failed.
Exit move_urls(Client& client, const Options& options);

} // namespace posada::ftp
