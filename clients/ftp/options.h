// SPDX-License-Identifier: BSD-2-Clause
// The command line of ftp(1).
#pragma once

#include <string>
#include <vector>

#include "clients/ftp/client.h"

namespace posada::ftp {

struct Options {
    Settings settings;
    std::string commands; // --execute
    std::string output;   // -o
    bool resume = false;  // -R
    bool json = false;    // directories as JSON
    bool upload = false;
    std::string user; // --user
    std::string host;
    std::vector<std::string> urls;    // instead of a host: to be fetched
    std::vector<std::string> uploads; // files for the only url
    int leave = -1;                   // not to go on: the exit status
};

Options read_options(int argc, char** argv, bool typed);

} // namespace posada::ftp
