// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/pam.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "common/auth/accounts.h"
#include "common/base/secret.h"

namespace posada::auth {

namespace {

struct Conversation {
    const char* user;
    const char* password;
    bool answered = false; // a second hidden prompt is a new password or a second factor: nothing we could answer
};

bool answer_prompt(Conversation& talk, int style, pam_response& response) noexcept {
    switch (style) {
    case PAM_PROMPT_ECHO_OFF:
        if (talk.answered) return false;
        talk.answered = true;
        response.resp = ::strdup(talk.password);
        return response.resp != nullptr;
    case PAM_PROMPT_ECHO_ON: response.resp = ::strdup(talk.user); return response.resp != nullptr;
    case PAM_ERROR_MSG:
    case PAM_TEXT_INFO: return true;
    default: return false;
    }
}

void free_responses(pam_response* responses, int count) noexcept {
    for (int i = 0; i < count; ++i) {
        if (responses[i].resp == nullptr) continue;
        ::explicit_bzero(responses[i].resp, ::strlen(responses[i].resp));
        ::free(responses[i].resp);
    }
    ::free(responses);
}

int converse(int count, const pam_message** messages, pam_response** out, void* data) noexcept {
    if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
    auto* const responses = static_cast<pam_response*>(::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
    if (responses == nullptr) return PAM_BUF_ERR;
    for (int i = 0; i < count; ++i) {
        if (answer_prompt(*static_cast<Conversation*>(data), messages[i]->msg_style, responses[i])) continue;
        free_responses(responses, count);
        return PAM_CONV_ERR;
    }
    if (out == nullptr) { // modules that only want to say something do that
        free_responses(responses, count);
        return PAM_SUCCESS;
    }
    *out = responses;
    return PAM_SUCCESS;
}

// The delay after a failure is ours (throttle.h): a module must not hold the worker for it.
void no_delay(int, unsigned, void*) noexcept {}

struct PamSession {
    explicit PamSession(Conversation& talk) : conversation{converse, &talk} {}
    ~PamSession() {
        if (handle != nullptr) ::pam_end(handle, status);
    }
    PamSession(const PamSession&) = delete;
    PamSession& operator=(const PamSession&) = delete;
    pam_conv conversation;
    pam_handle_t* handle = nullptr;
    int status = PAM_SUCCESS;
};

int start(PamSession& pam, const Attempt& attempt, const std::string& user) {
    const std::string service(attempt.pam_service);
    const std::string rhost(attempt.rip);
    const std::string tty = "posada-" + std::string(attempt.service);
    pam.status = ::pam_start(service.c_str(), user.c_str(), &pam.conversation, &pam.handle);
    const auto set = [&](int item, const void* value) {
        if (pam.status == PAM_SUCCESS) pam.status = ::pam_set_item(pam.handle, item, value);
    };
    set(PAM_RHOST, rhost.c_str());
    set(PAM_TTY, tty.c_str());
    set(PAM_RUSER, user.c_str());
    set(PAM_FAIL_DELAY, reinterpret_cast<const void*>(&no_delay));
    return pam.status;
}

std::string missing_file_hint(std::string_view service) {
    const std::string path = "/etc/pam.d/" + std::string(service);
    const std::string vendor = "/usr/lib/pam.d/" + std::string(service);
    if (::access(path.c_str(), F_OK) == 0 || ::access(vendor.c_str(), F_OK) == 0) return {};
    return " (" + path + " missing?)";
}

// nullptr: not a verdict about the user, but a failure of the system.
const char* refusal_word(int status) {
    switch (status) {
    case PAM_AUTH_ERR: return "bad-password";
    case PAM_CONV_ERR: return "second-prompt";
    case PAM_USER_UNKNOWN: return "unknown-user";
    case PAM_MAXTRIES: return "too-many-tries";
    case PAM_PERM_DENIED: return "access-denied";
    case PAM_ACCT_EXPIRED: return "account-expired";
    case PAM_AUTHTOK_EXPIRED:
    case PAM_NEW_AUTHTOK_REQD: return "password-expired";
    case PAM_CRED_EXPIRED: return "credentials-expired";
    default: return nullptr;
    }
}

Decision from_status(PamSession& pam, const Attempt& attempt) {
    Decision out;
    const char* const word = refusal_word(pam.status);
    out.outcome = word != nullptr ? Outcome::refused : Outcome::unavailable;
    out.reason = word != nullptr ? word : "pam";
    // pam_strerror() ignores its handle, which is null when pam_start() failed.
    out.detail = ::pam_strerror(pam.handle, pam.status) + missing_file_hint(attempt.pam_service);
    return out;
}

// Modules may rewrite the name; what they settled on is what acct_mgmt judged.
std::string settled_user(const PamSession& pam) {
    const void* item = nullptr;
    if (::pam_get_item(pam.handle, PAM_USER, &item) != PAM_SUCCESS || item == nullptr) return {};
    return static_cast<const char*>(item);
}

Decision settle(const std::string& user, uid_t first_valid_uid) {
    Decision out;
    auto account = unix_account(user, first_valid_uid);
    if (account) {
        out.outcome = Outcome::accepted;
        out.account = std::move(*account);
        return out;
    }
    const bool known = account.error().code != Errc::unavailable;
    out.outcome = known ? Outcome::refused : Outcome::unavailable;
    out.reason = !known ? "nss" : account.error().code == Errc::denied ? account.error().text : "no-unix-account";
    out.detail = account.error().describe();
    return out;
}

Decision run_stack(const Attempt& attempt, const std::string& user, const Secret& password, uid_t first_valid_uid) {
    Conversation talk{user.c_str(), password.c_str()};
    PamSession pam(talk);
    if (start(pam, attempt, user) != PAM_SUCCESS) return from_status(pam, attempt);
    pam.status = ::pam_authenticate(pam.handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (pam.status != PAM_SUCCESS) return from_status(pam, attempt);
    pam.status = ::pam_acct_mgmt(pam.handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (pam.status == PAM_AUTH_ERR) pam.status = PAM_PERM_DENIED; // the password was right
    if (pam.status != PAM_SUCCESS) return from_status(pam, attempt);
    return settle(settled_user(pam), first_valid_uid);
}

Secret junk_of_length(std::size_t size) {
    // Control characters: nobody's password, whatever a module thinks of the name.
    constexpr char junk[] = "\b\n\r\177";
    std::string out;
    while (out.size() < size) out.push_back(junk[out.size() % 4]);
    return Secret(out);
}

} // namespace

void keep_pam_modules(const std::string& pam_service) {
    static std::vector<std::string> kept;
    if (std::find(kept.begin(), kept.end(), pam_service) != kept.end()) return;
    kept.push_back(pam_service);
    static const pam_conv nobody_to_ask{};
    pam_handle_t* handle = nullptr; // never ended: its end would unload them
    if (::pam_start(pam_service.c_str(), nullptr, &nobody_to_ask, &handle) != PAM_SUCCESS && handle != nullptr)
        ::pam_end(handle, PAM_SYSTEM_ERR);
}

Decision PamBackend::check(const Attempt& attempt, Hasher&) {
    if (!plausible_unix_name(attempt.user)) return Decision();
    const std::string user(attempt.user);
    const auto account = unix_account(user, first_valid_uid_);
    if (!account && account.error().code == Errc::unavailable) {
        Decision out;
        out.outcome = Outcome::unavailable;
        out.reason = "nss";
        out.detail = account.error().describe();
        return out;
    }
    if (account || account.error().code == Errc::denied)
        return run_stack(attempt, user, Secret(attempt.password), first_valid_uid_);
    const Decision ignored = run_stack(attempt, user, junk_of_length(attempt.password.size()), first_valid_uid_);
    if (ignored.outcome == Outcome::unavailable) return ignored;
    return Decision();
}

} // namespace posada::auth
