// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/backends.h"

#include <algorithm>

#include "common/auth/apop.h"
#include "common/auth/scram.h"
#include "common/auth/users_file.h"
#include "common/base/secret.h"
#include "common/base/text.h"

namespace posada::auth {

namespace {

Decision refusal(std::string reason) {
    Decision out;
    out.outcome = Outcome::refused;
    out.reason = std::move(reason);
    return out;
}

Decision unavailable(std::string reason, std::string detail) {
    Decision out;
    out.outcome = Outcome::unavailable;
    out.reason = std::move(reason);
    out.detail = std::move(detail);
    return out;
}

Decision acceptance(Account account) {
    Decision out;
    out.outcome = Outcome::accepted;
    out.account = std::move(account);
    return out;
}

// What no backend may see; "" = fine. A NUL is never where a string ends for one program and not for another.
std::string_view bad_form(const Attempt& attempt) {
    if (attempt.user.empty() || attempt.user.size() > 255 || has_control(attempt.user)) return "bad-name";
    if (attempt.password.empty()) return "empty-password";
    if (attempt.password.size() > Hasher::max_password) return "password-too-long";
    if (attempt.password.find('\0') != std::string_view::npos) return "nul-in-password";
    return {};
}

// A user's entry, known or not, for as long as the object lives; failure says when the file cannot be used.
struct Found {
    Found(const std::string& users_file, std::string_view user);
    ~Found() {
        if (file) file->wipe();
    }
    Found(const Found&) = delete;
    Found& operator=(const Found&) = delete;
    Result<UsersFile> file;
    const UserEntry* entry = nullptr;
    Decision failure; // outcome unavailable: the file cannot tell
};

Found::Found(const std::string& users_file, std::string_view user)
    : file(UsersFile::load_user(users_file, ascii_lower(user))) {
    if (!file) {
        failure = unavailable("users-file", file.error().describe());
        return;
    }
    const auto found = file->find(ascii_lower(user));
    if (!found) {
        failure = unavailable("users-file", found.error().text);
        return;
    }
    entry = *found;
}

} // namespace

std::string encode_decision(Decision decision) {
    decision.detail.resize(std::min<std::size_t>(decision.detail.size(), 2000));
    return to_bytes(decision);
}

Result<Decision> decode_decision(std::string_view bytes) {
    auto out = from_bytes<Decision>(bytes);
    if (out && out->outcome == Outcome::accepted && (out->account.uid == 0 || out->account.name.empty()))
        return Error{Errc::protocol, 0, "an accepted login without a user"};
    return out;
}

Decision UsersBackend::check(const Attempt& attempt, Hasher& hasher) {
    const Found found(path_, attempt.user);
    if (found.failure.outcome == Outcome::unavailable) return found.failure;
    if (found.entry == nullptr) return Decision();
    if (found.entry->locked()) {
        hasher.junk(attempt.password);
        return refusal("account-locked");
    }
    if (!hasher.verify(found.entry->hash, attempt.password)) return refusal("bad-password");
    Decision out = acceptance(found.entry->account());
    out.nothing_foreign = true;
    return out;
}

Decision decide(std::span<Backend* const> backends, const Attempt& attempt, Hasher& hasher) {
    if (backends.empty())
        return unavailable("no-backend",
                           "no password can be checked: [auth] backends has none that works without root");
    const std::string_view form = bad_form(attempt);
    if (!form.empty()) {
        hasher.junk(attempt.password);
        return refusal(std::string(form));
    }
    for (Backend* const backend : backends) {
        Decision decision = backend->check(attempt, hasher);
        if (backend != backends.front()) decision.nothing_foreign = false;
        if (decision.outcome != Outcome::unknown) return decision;
    }
    hasher.junk(attempt.password);
    return refusal("unknown-user");
}

Result<ScramStart> scram_start(const std::string& users_file, std::string_view user, std::string_view secret) {
    const Found found(users_file, user);
    if (found.failure.outcome == Outcome::unavailable) return Error{Errc::unavailable, 0, found.failure.detail};
    ScramStart out;
    out.salt = junk_salt(secret, ascii_lower(user));
    out.iterations = scram_iterations;
    if (found.entry != nullptr && found.entry->scram) {
        out.salt = found.entry->scram->salt;
        out.iterations = found.entry->scram->iterations;
    }
    return out;
}

Decision scram_finish(const std::string& users_file, std::string_view user, std::string_view auth_message,
                      std::string_view client_proof) {
    const Found found(users_file, user);
    if (found.failure.outcome == Outcome::unavailable) return found.failure;
    const bool usable = found.entry != nullptr && found.entry->scram && !found.entry->locked();
    auto signature = check_proof(usable ? &*found.entry->scram : nullptr, auth_message, client_proof);
    if (found.entry == nullptr) return refusal("unknown-user");
    if (found.entry->locked()) return refusal("account-locked");
    if (!found.entry->scram) return refusal("no-scram-verifier");
    if (!signature) return refusal("bad-password");
    Decision out = acceptance(found.entry->account());
    out.server_final = std::move(*signature);
    return out;
}

Decision apop_check(const std::string& users_file, std::string_view user, std::string_view challenge,
                    std::string_view digest) {
    const Found found(users_file, user);
    if (found.failure.outcome == Outcome::unavailable) return found.failure;
    const bool usable = found.entry != nullptr && !found.entry->options.apop.empty() && !found.entry->locked();
    const std::string expected = apop_digest(challenge, usable ? found.entry->options.apop : std::string("none"));
    if (expected.empty()) return unavailable("no-md5", "the system's OpenSSL has no MD5: APOP cannot be checked");
    const bool fits = equal_constant_time(expected, digest);
    if (found.entry == nullptr) return refusal("unknown-user");
    if (found.entry->locked()) return refusal("account-locked");
    if (found.entry->options.apop.empty()) return refusal("no-apop-secret");
    return fits ? acceptance(found.entry->account()) : refusal("bad-password");
}

} // namespace posada::auth
