// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login_protocol.h"

#include "common/base/bytes.h"

namespace posada::service {

proto::LoginRefusal login_refusal(const Error& error) {
    using proto::LoginRefusal;
    if (error.code == Errc::invalid) return LoginRefusal::malformed;
    if (error.code == Errc::busy && error.text == login_too_soon) return LoginRefusal::too_soon;
    if (error.code != Errc::denied) return LoginRefusal::temporary;
    return error.text == last_attempt ? LoginRefusal::last_attempt : LoginRefusal::denied;
}

static Error too_long(std::string_view what) {
    return Error{Errc::limit, 0, std::string(what).append(" is longer than a login may be")};
}

Result<std::string> encode_check_password(std::string_view user, std::string_view password) {
    if (user.size() > max_login_name) return too_long("name");
    if (password.size() > max_login_password) return too_long("password");
    Writer w;
    w.str(user);
    w.str(password);
    return w.take();
}

Result<std::string> encode_check_apop(std::string_view user, std::string_view digest) {
    if (user.size() > max_login_name) return too_long("name");
    if (digest.size() != 32) return too_long("digest");
    Writer w;
    w.str(user);
    w.str(digest);
    return w.take();
}

Result<std::string> encode_scram_first(std::string_view user, std::string_view client_first_bare,
                                       std::string_view gs2_header, std::string_view mechanism) {
    if (user.size() > max_login_name) return too_long("name");
    if (client_first_bare.size() > max_scram_first_bare) return too_long("client-first message");
    if (gs2_header.size() > max_scram_gs2) return too_long("GS2 header");
    if (mechanism.size() > 32) return too_long("mechanism");
    Writer w;
    w.str(user);
    w.str(client_first_bare);
    w.str(gs2_header);
    w.str(mechanism);
    return w.take();
}

Result<std::string> encode_scram_final(std::string_view auth_message, std::string_view client_proof) {
    if (auth_message.size() > max_scram_auth_message) return too_long("auth message");
    if (client_proof.size() != 32) return too_long("proof");
    Writer w;
    w.str(auth_message);
    w.str(client_proof);
    return w.take();
}

static Result<std::string> decode_one_string(std::string_view body) {
    Reader r(body);
    std::string out(r.str());
    RETURN_IF_ERROR(r.finish());
    return out;
}

Result<std::string> decode_login_name(std::string_view body) { return decode_one_string(body); }
Result<std::string> decode_server_first(std::string_view body) { return decode_one_string(body); }

Result<ScramLogin> decode_scram_login(std::string_view body) {
    Reader r(body);
    ScramLogin out;
    out.server_signature = r.str();
    out.name = r.str();
    RETURN_IF_ERROR(r.finish());
    return out;
}

} // namespace posada::service
