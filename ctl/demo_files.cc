// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "common/auth/hasher.h"
#include "common/auth/scram.h"
#include "common/auth/users_file.h"
#include "common/base/text.h"
#include "common/io/certgen.h"
#include "ctl/demo.h"

namespace posada::ctl {

namespace {

namespace fs = std::filesystem;

constexpr UnixTime certificate_days = 30;
constexpr std::size_t longest_run_dir = 80; // sun_path has 108 bytes

bool is_root() { return ::geteuid() == 0; }

Status make_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return errno_error("cannot make " + path);
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) return errno_error(path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != ::geteuid())
        return Error{Errc::denied, 0, path + " is not a directory of ours"};
    if (::chmod(path.c_str(), mode) != 0) return errno_error("cannot change the mode of " + path);
    return {};
}

Status write_file(const std::string& path, std::string_view text, mode_t mode) {
    const std::string temporary = path + ".new";
    ::unlink(temporary.c_str());
    UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd.valid()) return errno_error("cannot write " + temporary);
    if (::fchmod(fd.get(), mode) != 0) return errno_error("fchmod");
    RETURN_IF_ERROR(write_all(fd.get(), text));
    RETURN_IF_ERROR(fd.close());
    if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename");
    return {};
}

Result<std::string> make_temporary() {
    const char* base = std::getenv("TMPDIR");
    std::string path = std::string(base != nullptr && *base == '/' ? base : "/tmp") + "/posada-demo-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return errno_error("cannot make " + path);
    return path;
}

// May users other than root come to this directory?
bool open_to_others(const fs::path& dir) {
    struct stat st {};
    for (fs::path at = dir.parent_path();; at = at.parent_path()) {
        if (::stat(at.c_str(), &st) != 0 || (st.st_mode & S_IXOTH) == 0) return false;
        if (at == at.root_path()) return true;
    }
}

Status choose_directory(Demo& demo) {
    if (demo.options.dir.empty()) {
        auto made = make_temporary();
        if (!made) return made.error();
        demo.dir = *made;
        demo.dir_is_temporary = true;
    } else {
        std::error_code failed;
        demo.dir = fs::absolute(demo.options.dir, failed).lexically_normal().string();
        while (demo.dir.size() > 1 && demo.dir.back() == '/') demo.dir.pop_back();
        if (failed || has_control(demo.dir)) return Error{Errc::invalid, 0, "--dir is not a usable path"};
        demo.dir_was_made = !fs::exists(demo.dir, failed);
    }
    RETURN_IF_ERROR(make_directory(demo.dir, is_root() ? 0711 : 0700));
    demo.data_dir = demo.dir;
    const bool too_long = demo.dir.size() > longest_run_dir;
    if (!too_long && (!is_root() || open_to_others(demo.dir))) return {};
    auto elsewhere = make_temporary();
    if (!elsewhere) return elsewhere.error();
    demo.data_dir = *elsewhere;
    return make_directory(demo.data_dir, is_root() ? 0711 : 0700);
}

// An authority that exists for this demo only: its key is never written.
Status make_certificates(const Demo& demo) {
    const UnixTime now = SystemClock().unix_now();
    io::CertificateRequest request;
    request.common_name = "posada demo authority";
    request.not_before = now - 3'600;
    request.not_after = now + certificate_days * 86'400;
    const auto authority = io::make_authority(request);
    if (!authority) return authority.error();
    request.common_name = "mail." + std::string(demo_domain);
    request.names = {request.common_name, std::string(demo_domain), "localhost", "127.0.0.1", "::1"};
    const auto server = io::issue_certificate(request, *authority);
    if (!server) return server.error();
    RETURN_IF_ERROR(make_directory(demo.path("tls"), 0711));
    RETURN_IF_ERROR(write_file(demo.path("tls/ca.pem"), authority->chain_pem, 0644));
    RETURN_IF_ERROR(write_file(demo.path("tls/chain.pem"), server->chain_pem, 0644));
    return write_file(demo.path("tls/key.pem"), server->key_pem, 0600);
}

std::string random_password() {
    constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789"; // 32, no l, o, 0, 1
    std::string out;
    for (const char byte : auth::random_bytes(12)) out += alphabet[static_cast<unsigned char>(byte) % alphabet.size()];
    return out;
}

Status set_user(auth::UsersFileEdit& edit, const DemoUser& user, const std::string& home, uid_t uid, gid_t gid) {
    auto hash = auth::Hasher().hash(user.password);
    if (!hash) return hash.error();
    auth::UserEntry entry;
    entry.name = user.name;
    entry.hash = std::move(*hash);
    entry.scram = auth::new_verifier(user.password);
    entry.uid = uid;
    entry.gid = gid;
    entry.home = home;
    const auto known = edit.current().find(user.name);
    if (!known) return known.error();
    if (*known != nullptr) RETURN_IF_ERROR(edit.remove(user.name));
    return edit.add(entry);
}

Status make_users(Demo& demo) {
    demo.users = {{"daniel", demo.options.classroom ? "hungry" : random_password()},
                  {"lir", demo.options.classroom ? "pamplona" : random_password()}};
    const std::string domain_dir = demo.mail_root() + "/" + std::string(demo_domain);
    RETURN_IF_ERROR(make_directory(demo.mail_root(), is_root() ? 0711 : 0700));
    RETURN_IF_ERROR(make_directory(domain_dir, is_root() ? 0711 : 0700));
    auto edit = auth::UsersFileEdit::open(demo.path("users"));
    if (!edit) return edit.error();
    uid_t uid = is_root() ? demo_user_uids : ::geteuid();
    for (const DemoUser& user : demo.users) {
        const std::string home = domain_dir + "/" + user.name;
        const gid_t gid = is_root() ? static_cast<gid_t>(uid) : ::getegid();
        if (::mkdir(home.c_str(), 0700) != 0 && errno != EEXIST) return errno_error("cannot make " + home);
        if (is_root() && ::lchown(home.c_str(), uid, gid) != 0) return errno_error("cannot give away " + home);
        RETURN_IF_ERROR(set_user(*edit, user, home, uid, gid));
        if (is_root()) ++uid;
    }
    return edit->commit();
}

std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string listen_table(const DemoService& service) {
    std::string out = "[[" + std::string(service.section) + ".listen]]\nname = " + toml_text(service.name) +
                      "\naddress = [" + toml_text(demo_host) + "]\nport = " + std::to_string(service.port) +
                      "\ntls = " + toml_text(tls_word(service.tls)) + "\n";
    if (service.auth) out += "auth = true\n";
    return out + "\n";
}

std::string configuration(const Demo& demo) {
    std::string out = "# Written by posada demo; it is written again at every start.\n";
    out += "hostname = " + toml_text("mail." + std::string(demo_domain)) + "\n";
    if (is_root()) out += "uid_base = " + std::to_string(demo_uid_base) + " # no account is created\n";
    out += "\n[paths]\nstate_dir = " + toml_text(demo.data_dir + "/state") +
           "\nrun_dir = " + toml_text(demo.run_dir()) + "\nusers_file = " + toml_text(demo.path("users")) +
           "\nmail_root = " + toml_text(demo.mail_root()) + "\n";
    out += "\n[tls]\nchain = " + toml_text(demo.path("tls/chain.pem")) +
           "\nkey = " + toml_text(demo.path("tls/key.pem")) + "\n";
    out += "\n[auth]\nbackends = [\"users\"]\nscram = true\n";
    out += "\n[limits]\nper_source = 1000 # every client of a demo comes from one address\n";
    out += "\n[log]\ntarget = \"stderr\"\n\n[mail]\ndomains = [" + toml_text(demo_domain) + "]\n\n";
    for (const DemoService& service : demo.services) out += listen_table(service);
    return out;
}

} // namespace

Status make_demo_files(Demo& demo) {
    ::umask(022);
    RETURN_IF_ERROR(choose_directory(demo));
    ::unlink(demo.path("ready").c_str());
    RETURN_IF_ERROR(make_directory(demo.run_dir(), 0711));
    RETURN_IF_ERROR(make_directory(demo.data_dir + "/state", 0711));
    RETURN_IF_ERROR(make_certificates(demo));
    RETURN_IF_ERROR(make_users(demo));
    return write_file(demo.path("posada.toml"), configuration(demo), 0600);
}

Status announce_demo(const Demo& demo) {
    RETURN_IF_ERROR(write_file(demo.path("endpoints.json"), endpoints_json(demo), 0600));
    return write_file(demo.path("ready"), "", 0644);
}

void remove_demo_files(const Demo& demo) {
    std::error_code ignored;
    fs::remove(demo.path("ready"), ignored);
    if (demo.options.keep || demo.dir.empty()) return;
    if (demo.data_dir != demo.dir && !demo.data_dir.empty()) fs::remove_all(demo.data_dir, ignored);
    if (demo.dir_is_temporary || demo.dir_was_made) {
        fs::remove_all(demo.dir, ignored);
    } else { // somebody else's directory: mail and log stay in it
        fs::remove(demo.path("endpoints.json"), ignored);
        fs::remove_all(demo.path("run"), ignored);
    }
}

} // namespace posada::ctl
