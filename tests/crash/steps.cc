// SPDX-License-Identifier: BSD-2-Clause
// A kill at every system call of one scripted delivery (a small message to two users, a large one): recovers each time
// and counts. Last line: "stops=N violations=N".
#include <filesystem>

#include "tests/crash/kill_at_stop.h"
#include "tests/crash/mail_host.h"

using namespace posada;
using namespace posada::crash;

namespace {

constexpr std::size_t small_size = 2'000;
constexpr std::size_t large_size = 300 * 1024;
const std::string sender = "lir@micasa.test";

// What the pipe is told: all of it was acknowledged.
int script(const std::string& root, int pipe) {
    auto host = MailHost::open(root);
    if (!host) return 1;
    (*host)->submit(1, {"daniel", "lir"}, small_size, sender);
    (*host)->submit(2, {"daniel"}, large_size, sender);
    if (!(*host)->flush() || !write_all(pipe, "a")) return 1;
    return (*host)->deliver_all() ? 0 : 1;
}

// The number of whole copies; -1: something half-written lies there.
int copies(const std::string& root, const std::string& user, unsigned token, std::size_t size) {
    const std::string expected = MailHost::stored_form(token, size, sender);
    const std::string header = "X-Token: " + std::to_string(token) + "\n";
    int count = 0;
    const std::string fresh = root + "/" + user + "/new";
    if (!std::filesystem::exists(fresh)) return 0;
    for (const auto& entry : std::filesystem::directory_iterator(fresh)) {
        const auto text = read_file(entry.path(), 1 << 20);
        if (!text || text->find("X-Token: ") == std::string::npos) return -1;
        if (text->find(header) == std::string::npos) continue;
        if (*text != expected) return -1;
        ++count;
    }
    return count;
}

std::string compare(const std::string& root, bool acknowledged) {
    const struct {
        const char* user;
        unsigned token;
        std::size_t size;
    } wanted[] = {{"daniel", 1, small_size}, {"lir", 1, small_size}, {"daniel", 2, large_size}};
    for (const auto& w : wanted) {
        const int n = copies(root, w.user, w.token, w.size);
        if (n == 1 || (n == 0 && !acknowledged)) continue;
        return std::string(w.user) + " has " + std::to_string(n) + " copies of " + std::to_string(w.token);
    }
    return "";
}

std::string judge(const std::string& root, const std::string& heard) {
    auto host = MailHost::open(root);
    Status status = host ? (*host)->deliver_all() : Status(host.error());
    if (status) status = (*host)->retry_deferred();
    return status ? compare(root, !heard.empty()) : status.error().describe();
}

} // namespace

int main() { return kill_at_each_stop({script, judge}); }
