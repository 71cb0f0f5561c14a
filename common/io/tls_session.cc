// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/io/addr.h"
#include "common/io/tls_bio.h"
#include "common/io/tls_remote_key.h"

namespace posada::io {

namespace {
// One call of read() ends here, however fast the peer sends.
constexpr std::size_t receive_budget = 256 * 1024;
// A TLS 1.3 key update of 27 bytes costs us two key derivations and an answer: a peer that sends this many without data
// between them is cut off. (A refused TLS 1.2 renegotiation costs no more than any small record.)
constexpr unsigned max_idle_talk = 32;
} // namespace

// The C side: OpenSSL's socket layer.
struct TlsBio {
    static int receive(BIO* bio, char* into, int size) noexcept {
        auto& s = *static_cast<TlsSession*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (s.idle_talk_ > max_idle_talk) return -1; // no retry: an error
        if (!s.may_receive_) {
            BIO_set_retry_read(bio);
            return -1;
        }
        ssize_t n = 0;
        do n = recv(s.fd_, into, static_cast<std::size_t>(size), 0);
        while (n < 0 && errno == EINTR);
        s.received_ += n > 0 ? static_cast<std::size_t>(n) : 0;
        s.may_receive_ = n == size && s.received_ < receive_budget;
        if (n == 0) s.at_end_ = true;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            BIO_set_retry_read(bio);
        else if (n < 0)
            s.receive_errno_ = errno;
        return static_cast<int>(n);
    }
    static int send(BIO* bio, const char* from, int size) noexcept {
        auto& s = *static_cast<TlsSession*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        s.outgoing_.append(from, static_cast<std::size_t>(size));
        return size;
    }
    static void message(int writing, int, int type, const void*, std::size_t, SSL*, void* arg) noexcept {
        auto& s = *static_cast<TlsSession*>(arg);
        if (s.established_ && writing == 0 && type == SSL3_RT_HANDSHAKE) ++s.idle_talk_;
    }
    static long control(BIO* bio, int command, long, void*) noexcept {
        const auto* s = static_cast<TlsSession*>(BIO_get_data(bio));
        if (command == BIO_CTRL_EOF) return s != nullptr && s->at_end_ ? 1 : 0;
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }
};

bio_method_st* make_tls_bio_method() {
    BIO_METHOD* m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "posada socket");
    if (m == nullptr) return nullptr;
    BIO_meth_set_read(m, &TlsBio::receive);
    BIO_meth_set_write(m, &TlsBio::send);
    BIO_meth_set_ctrl(m, &TlsBio::control);
    return m;
}

Status TlsSession::attach() {
    ERR_clear_error();
    ssl_.reset(SSL_new(context_->get()));
    BIO* bio = BIO_new(context_->bio_method());
    if (!ssl_ || bio == nullptr) {
        BIO_free(bio);
        return Error{Errc::io, ENOMEM, tls_error_text()};
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_msg_callback(ssl_.get(), &TlsBio::message);
    SSL_set_msg_callback_arg(ssl_.get(), this);
    return {};
}

Result<std::unique_ptr<TlsSession>> TlsSession::make_server(std::shared_ptr<TlsContext> context, int fd,
                                                            SignFunction sign) {
    std::unique_ptr<TlsSession> out(new TlsSession(std::move(context), fd));
    out->sign_ = std::move(sign);
    RETURN_IF_ERROR(out->attach());
    SSL_set_accept_state(out->ssl_.get());
    return out;
}

Result<std::unique_ptr<TlsSession>> TlsSession::make_client(std::shared_ptr<TlsContext> context, int fd,
                                                            const std::string& server_name) {
    std::unique_ptr<TlsSession> out(new TlsSession(std::move(context), fd));
    RETURN_IF_ERROR(out->attach());
    RETURN_IF_ERROR(out->set_server_name(server_name));
    SSL_set_connect_state(out->ssl_.get());
    return out;
}

Status TlsSession::set_server_name(const std::string& name) {
    if (name.empty()) return {};
    const bool is_ip = Address::parse(name, 0).ok();
    const bool checked = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) != 0;
    if (!is_ip && SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) != 1)
        return Error{Errc::invalid, 0, "server name: " + tls_error_text()};
    if (!checked) return {};
    SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int ok = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), name.c_str())
                         : SSL_set1_host(ssl_.get(), name.c_str());
    if (ok != 1) return Error{Errc::invalid, 0, "server name: " + tls_error_text()};
    return {};
}

TlsSession::Step TlsSession::classify(int result) {
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ) return Step::want_read;
    if (why == SSL_ERROR_ZERO_RETURN) return Step::closed;
    const unsigned long queued = ERR_peek_error();
    if (at_end_ && (queued == 0 || ERR_GET_REASON(queued) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
        ERR_clear_error();
        error_ = Error{Errc::closed, 0, "the connection ended without a TLS close_notify"};
        return Step::truncated;
    }
    if (idle_talk_ > max_idle_talk) {
        ERR_clear_error();
        error_ = Error{Errc::limit, 0, "too many TLS key updates"};
        return Step::failed;
    }
    if (receive_errno_ != 0) {
        ERR_clear_error();
        error_ = errno_error("read", receive_errno_);
        return Step::failed;
    }
    const long verdict = SSL_get_verify_result(ssl_.get());
    error_ = Error{Errc::protocol, 0, tls_error_text()};
    if (verdict != X509_V_OK && !SSL_is_init_finished(ssl_.get()))
        error_.text += std::string(": ") + X509_verify_cert_error_string(verdict);
    return Step::failed;
}

TlsSession::Step TlsSession::handshake() {
    ERR_clear_error();
    context_->sign_slot().ask = &sign_;
    const int result = SSL_do_handshake(ssl_.get());
    context_->sign_slot().ask = nullptr;
    established_ = result == 1;
    if (!established_) return classify(result);
    sign_ = nullptr;
    return Step::done;
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t* got) {
    *got = 0;
    while (*got < into.size()) {
        ERR_clear_error();
        std::size_t n = 0;
        const int result = SSL_read_ex(ssl_.get(), into.data() + *got, into.size() - *got, &n);
        if (result != 1) return classify(result);
        *got += n;
        idle_talk_ = 0;
    }
    return Step::done;
}

TlsSession::Step TlsSession::write(std::string_view bytes) {
    ERR_clear_error();
    while (!bytes.empty()) {
        std::size_t n = 0;
        const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n);
        if (result != 1) {
            classify(result);
            return Step::failed;
        }
        bytes.remove_prefix(n);
    }
    return Step::done;
}

void TlsSession::close_notify() {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

void TlsSession::send_no_tickets() { SSL_set_num_tickets(ssl_.get(), 0); }

void TlsSession::send_ticket() {
    ERR_clear_error();
    SSL_new_session_ticket(ssl_.get()); // refused in TLS 1.2, where a ticket serves many times
    ERR_clear_error();
}

TlsInfo TlsSession::info() const {
    TlsInfo out;
    out.version = SSL_get_version(ssl_.get());
    out.cipher = SSL_get_cipher_name(ssl_.get());
    const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) out.server_name = name;
    out.resumed = SSL_session_reused(ssl_.get()) == 1;
    return out;
}

std::string TlsSession::exporter() const {
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    if (!SSL_is_init_finished(ssl_.get()) || SSL_version(ssl_.get()) != TLS1_3_VERSION) return {};
    unsigned char out[32];
    if (SSL_export_keying_material(ssl_.get(), out, sizeof out, label.data(), label.size(), nullptr, 0, 0) != 1)
        return {};
    return {reinterpret_cast<const char*>(out), sizeof out};
}

} // namespace posada::io
