// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/scratch.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace posada::crash {

Scratch::Scratch() {
    set_log_sink(this);
    ::umask(077);
    if (::mkdtemp(path_.data()) == nullptr) std::exit(71);
}

Scratch::~Scratch() {
    set_log_sink(nullptr);
    std::filesystem::remove_all(path_);
}

std::string Scratch::fresh(const std::string& name) const {
    std::string path = path_ + "/" + name;
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
    return path;
}

} // namespace posada::crash
