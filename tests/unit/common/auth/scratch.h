// SPDX-License-Identifier: BSD-2-Clause
// A directory of one test's own, gone afterwards.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace posada::test {

class Scratch {
  public:
    Scratch() {
        char name[] = "/tmp/posada-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        std::ofstream(file(name), std::ios::binary) << text;
        ::chmod(file(name).c_str(), mode);
        return file(name);
    }
    [[nodiscard]] static std::string read(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        std::stringstream out;
        out << in.rdbuf();
        return out.str();
    }

  private:
    std::string path_;
};

} // namespace posada::test
