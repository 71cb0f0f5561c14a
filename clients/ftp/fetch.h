// SPDX-License-Identifier: BSD-2-Clause
// ftp -o FILE ftps://host/file: fetches what addresses name.
#pragma once

#include "clients/ftp/options.h"

namespace posada::ftp {

// All of them, one connection each; the exit code is that of the first that failed.
Exit fetch_urls(Client& client, const Options& options);

} // namespace posada::ftp
