// SPDX-License-Identifier: BSD-2-Clause
// TLS over Streams: both ends of posada against each other, and a bare OpenSSL client where the peer must misbehave.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <thread>

#include "common/base/text.h"
#include "tests/support/test_certs.h"
#include "tests/unit/common/io/stream_fixture.h"

namespace posada::io {
namespace {

using namespace test;
using posada::test::make_self_signed;

std::shared_ptr<TlsContext> server_context(TlsServerConfig config = {}) {
    if (config.certificates.empty()) config.certificates.push_back(make_self_signed({"mail.micasa.test"}));
    auto made = TlsContext::make_server(config);
    EXPECT_TRUE(made.ok()) << (made ? "" : made.error().text);
    return made ? *made : nullptr;
}

std::shared_ptr<TlsContext> client_context() { return *TlsContext::make_client({}, false); }

class TlsStream : public StreamTest {
  protected:
    void SetUp() override {
        StreamTest::SetUp();
        connect_ends();
    }
    void connect_ends() {
        auto [a, b] = tcp_pair();
        server.open(*loop, std::move(a));
        client.open(*loop, std::move(b));
    }
    bool shake(std::shared_ptr<TlsContext> s, std::shared_ptr<TlsContext> c, const std::string& name = {}) {
        server.stream->start_tls_server(std::move(s));
        client.stream->start_tls_client(std::move(c), name);
        return until([&] { return !server.handshakes.empty() && !client.handshakes.empty(); }) &&
               server.handshakes.back().ok() && client.handshakes.back().ok();
    }
    End server;
    End client;
};

TEST_F(TlsStream, talks_tls13_by_default) {
    ASSERT_TRUE(shake(server_context(), client_context()));
    EXPECT_TRUE(server.stream->tls_active());
    EXPECT_EQ(server.stream->tls_info().version, "TLSv1.3");
    EXPECT_NE(server.stream->tls_info().cipher, "");
    client.stream->write("EHLO x\r\n");
    server.stream->write("220 hi\r\n");
    ASSERT_TRUE(until([&] { return !server.received.empty() && !client.received.empty(); }));
    EXPECT_EQ(server.received, "EHLO x\r\n");
    EXPECT_EQ(client.received, "220 hi\r\n");
    EXPECT_EQ(server.stream->bytes_in(), 8U);
    EXPECT_EQ(server.stream->bytes_out(), 8U);
}

TEST_F(TlsStream, talks_tls12) {
    const auto c = client_context();
    SSL_CTX_set_max_proto_version(c->get(), TLS1_2_VERSION);
    ASSERT_TRUE(shake(server_context(), c));
    EXPECT_EQ(server.stream->tls_info().version, "TLSv1.2");
    client.stream->write("x");
    EXPECT_TRUE(until([&] { return server.received == "x"; }));
}

TEST_F(TlsStream, starttls_flushes_plain_output_first_and_protects_what_follows) {
    server.on_input = [&] {
        if (server.received != "STLS\r\n") return;
        server.received.clear();
        server.stream->write("+OK begin\r\n");
        server.stream->start_tls_server(server_context());
        server.stream->write("first protected words");
        EXPECT_FALSE(server.stream->tls_active());
    };
    client.on_input = [&] {
        if (client.received != "+OK begin\r\n") return;
        client.received.clear();
        client.stream->start_tls_client(client_context(), {});
    };
    client.stream->write("STLS\r\n");
    ASSERT_TRUE(until([&] { return client.received == "first protected words"; }));
    EXPECT_TRUE(client.stream->tls_active());
}

TEST_F(TlsStream, CVE_2011_0411_input_before_the_handshake_fails_it) {
    server.keep_input = true;
    server.on_input = [&] {
        server.stream->consume(6); // "USER x" is left
        server.stream->start_tls_server(server_context());
        server.on_input = nullptr;
    };
    client.stream->write("STLS\r\nUSER x\r\n");
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    ASSERT_EQ(server.handshakes.size(), 1U);
    EXPECT_EQ(server.handshakes.front().error().code, Errc::protocol);
    EXPECT_EQ(server.ends, std::vector{StreamEnd::error});
}

TEST_F(TlsStream, plain_commands_in_the_next_segment_are_no_handshake_either) {
    server.stream->start_tls_server(server_context());
    client.stream->write("USER x\r\n");
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_FALSE(server.handshakes.front().ok());
    EXPECT_EQ(server.received, "");
}

TEST_F(TlsStream, large_data_passes_both_ways_under_back_pressure) {
    ASSERT_TRUE(shake(server_context(), client_context()));
    const std::string big = pattern(9'000'000);
    server.stream->set_max_unsent(big.size()); // both talk at once, so both must listen meanwhile
    client.stream->set_max_unsent(big.size());
    server.stream->write(big);
    client.stream->write(big);
    ASSERT_TRUE(until([&] { return server.received.size() == big.size() && client.received.size() == big.size(); },
                      Millis(20'000)));
    EXPECT_EQ(server.received, big);
    EXPECT_EQ(client.received, big);
    EXPECT_EQ(server.drained, 1);
}

TEST_F(TlsStream, files_are_sent_through_tls) {
    ASSERT_TRUE(shake(server_context(), client_context()));
    const std::string body = pattern(1'000'000);
    server.stream->write("<");
    server.stream->write_file(memory_file(body), 5, body.size() - 5);
    server.stream->write(">");
    ASSERT_TRUE(until([&] { return client.received.size() == body.size() - 3; }));
    EXPECT_EQ(client.received, "<" + body.substr(5) + ">");
}

TEST_F(TlsStream, a_file_shorter_than_announced_ends_the_stream) {
    ASSERT_TRUE(shake(server_context(), client_context()));
    server.stream->write_file(memory_file(pattern(100'000)), 0, 100'001);
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.end_error.code, Errc::corrupt);
}

TEST_F(TlsStream, input_cap_and_stop_reading_hold_decrypted_bytes_too) {
    ASSERT_TRUE(shake(server_context(), client_context()));
    server.keep_input = true;
    server.stream->set_max_input(1000);
    client.stream->write(pattern(50'000));
    ASSERT_TRUE(until([&] { return server.stream->input().size() == 1000; }));
    settle();
    EXPECT_EQ(server.stream->input().size(), 1000U);
    server.stream->stop_reading();
    std::string all(server.stream->input());
    server.stream->discard_input();
    settle();
    EXPECT_EQ(server.stream->input().size(), 0U);
    server.keep_input = false;
    server.stream->start_reading();
    ASSERT_TRUE(until([&] { return server.received.size() == 49'000; }));
    EXPECT_EQ(all + server.received, pattern(50'000));
}

TEST_F(TlsStream, close_after_flush_says_close_notify) {
    ASSERT_TRUE(shake(server_context(), client_context()));
    server.stream->write("221 bye\r\n");
    server.stream->close_after_flush();
    ASSERT_TRUE(until([&] { return !client.ends.empty(); }));
    EXPECT_EQ(client.ends, std::vector{StreamEnd::peer_closed}) << "not truncated";
    EXPECT_EQ(client.received, "221 bye\r\n");
    client.stream.reset();
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.ends, std::vector{StreamEnd::peer_closed});
}

TEST_F(TlsStream, an_end_without_close_notify_is_reported_as_truncation) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        server = End();
        client = End();
        connect_ends();
        const auto c = client_context();
        SSL_CTX_set_max_proto_version(c->get(), version);
        ASSERT_TRUE(shake(server_context(), c));
        client.stream->write("DATA that looks comple");
        ASSERT_TRUE(until([&] { return !server.received.empty(); }));
        client.stream.reset();
        ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
        EXPECT_EQ(server.ends, std::vector{StreamEnd::truncated});
    }
}

TEST_F(TlsStream, a_peer_that_leaves_during_the_handshake_is_reported_once_each) {
    server.stream->start_tls_server(server_context());
    client.stream.reset();
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    ASSERT_EQ(server.handshakes.size(), 1U);
    EXPECT_EQ(server.handshakes.front().error().code, Errc::closed);
    EXPECT_EQ(server.ends, std::vector{StreamEnd::peer_closed});
}

TEST_F(TlsStream, handshake_has_the_streams_deadline) {
    server.stream->start_tls_server(server_context());
    server.stream->set_deadline(Millis(20));
    client.stream->write("\x16\x03\x01");
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    ASSERT_EQ(server.handshakes.size(), 1U);
    EXPECT_EQ(server.handshakes.front().error().code, Errc::timeout);
    EXPECT_EQ(server.ends, std::vector{StreamEnd::timeout});
}

TEST_F(TlsStream, may_be_destroyed_inside_on_tls) {
    server.on_tls = [&] { server.stream.reset(); };
    server.stream->start_tls_server(server_context());
    client.stream->start_tls_client(client_context(), {});
    EXPECT_TRUE(until([&] { return server.stream == nullptr; }));
    client.stream->write("GET / HTTP/1.0\r\n");
    settle();
    End other;
    auto [a, b] = tcp_pair();
    other.open(*loop, std::move(a));
    other.on_tls = [&] { other.stream.reset(); };
    other.stream->start_tls_server(server_context());
    ASSERT_TRUE(write_all(b.get(), "GET / HTTP/1.0\r\n\r\n").ok());
    EXPECT_TRUE(until([&] { return other.stream == nullptr; })) << "a failed handshake";
}

TEST_F(TlsStream, sni_chooses_the_certificate_exact_before_wildcard_before_default) {
    TlsServerConfig config;
    config.certificates = {make_self_signed({"default.test"}), make_self_signed({"*.micasa.test"}),
                           make_self_signed({"pop.micasa.test", "other.test"})};
    const auto s = server_context(config);
    const struct {
        const char* asked;
        std::size_t expected;
    } cases[] = {{"pop.micasa.test", 2}, {"POP.micasa.TEST", 2}, {"mail.micasa.test", 1}, {"micasa.test", 0},
                 {"a.b.micasa.test", 0}, {"other.test", 2},      {"unknown.example", 0},  {"", 0}};
    for (const auto& c : cases) {
        server = End();
        client = End();
        connect_ends();
        const auto cc = client_context();
        std::string seen;
        SSL_CTX_set_cert_verify_callback(
            cc->get(),
            [](X509_STORE_CTX* store, void* arg) {
                unsigned char digest[32];
                unsigned size = 0;
                X509_digest(X509_STORE_CTX_get0_cert(store), EVP_sha256(), digest, &size);
                *static_cast<std::string*>(arg) = hex({reinterpret_cast<char*>(digest), size});
                return 1;
            },
            &seen);
        ASSERT_TRUE(shake(s, cc, c.asked));
        EXPECT_EQ(seen, inspect_certificate(config.certificates[c.expected].chain_pem)->sha256) << c.asked;
        EXPECT_EQ(server.stream->tls_info().server_name, c.asked);
    }
}

TEST_F(TlsStream, alpn_mismatch_is_refused_with_the_alert_and_silence_is_accepted) {
    TlsServerConfig config;
    config.alpn = "pop3";
    const auto s = server_context(config);
    const auto offering = [](std::string_view wire) {
        auto c = client_context();
        SSL_CTX_set_alpn_protos(c->get(), reinterpret_cast<const unsigned char*>(wire.data()),
                                static_cast<unsigned>(wire.size()));
        return c;
    };
    EXPECT_FALSE(shake(s, offering("\x08http/1.1\x02h2")));
    ASSERT_FALSE(client.handshakes.empty());
    EXPECT_NE(client.handshakes.back().error().text.find("no application protocol"), std::string::npos)
        << client.handshakes.back().error().text;
    for (const std::string_view good : {std::string_view("\x02h2\x04pop3"), std::string_view()}) {
        server = End();
        client = End();
        connect_ends();
        EXPECT_TRUE(shake(s, good.empty() ? client_context() : offering(good)));
    }
}

TEST_F(TlsStream, a_ticket_resumes_in_another_context_with_the_same_key) {
    const auto certificate = make_self_signed({"mail.micasa.test"});
    TlsServerConfig config;
    config.certificates = {certificate};
    config.ticket_key = pattern(80);
    TlsServerConfig stranger = config;
    stranger.ticket_key = std::string(80, 'z');
    const std::shared_ptr<TlsContext> contexts[] = {server_context(config), server_context(config),
                                                    server_context(stranger)};
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto c = client_context();
        SSL_CTX_set_max_proto_version(c->get(), version);
        SSL_CTX_set_session_cache_mode(c->get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        static SSL_SESSION* kept;
        kept = nullptr;
        SSL_CTX_sess_set_new_cb(c->get(), [](SSL*, SSL_SESSION* s) {
            SSL_SESSION_free(kept);
            kept = s;
            return 1;
        });
        // Streams do not resume as clients; a bare connection does.
        const auto resumed = [&](const std::shared_ptr<TlsContext>& s) {
            server = End();
            auto [a, b] = tcp_pair();
            server.open(*loop, std::move(a));
            server.stream->start_tls_server(s);
            server.on_tls = [&] { server.stream->write("x"); };
            std::thread bare([&, fd = b.get()] {
                SSL* ssl = SSL_new(c->get());
                SSL_set_fd(ssl, fd);
                if (kept != nullptr) SSL_set_session(ssl, kept);
                char byte = 0;
                if (SSL_connect(ssl) == 1) SSL_read(ssl, &byte, 1);
                SSL_shutdown(ssl);
                SSL_free(ssl);
            });
            EXPECT_TRUE(until([&] { return !server.ends.empty(); }));
            bare.join();
            EXPECT_TRUE(server.handshakes.front().ok());
            return server.stream->tls_info().resumed;
        };
        EXPECT_FALSE(resumed(contexts[0]));
        EXPECT_TRUE(resumed(contexts[1])) << version;
        EXPECT_FALSE(resumed(contexts[2])) << version << " with another key";
        SSL_SESSION_free(kept);
        kept = nullptr;
    }
}

TEST_F(TlsStream, exporter_is_the_same_on_both_sides_and_only_in_tls13) {
    ASSERT_TRUE(shake(server_context(), client_context()));
    EXPECT_EQ(server.stream->tls_exporter().size(), 32U);
    EXPECT_EQ(server.stream->tls_exporter(), client.stream->tls_exporter());
    server = End();
    client = End();
    connect_ends();
    EXPECT_EQ(server.stream->tls_exporter(), "");
    const auto c = client_context();
    SSL_CTX_set_max_proto_version(c->get(), TLS1_2_VERSION);
    ASSERT_TRUE(shake(server_context(), c));
    EXPECT_EQ(server.stream->tls_exporter(), "");
}

TEST_F(TlsStream, R38_renegotiation_is_refused_and_the_session_goes_on) {
    auto [a, b] = tcp_pair();
    server.open(*loop, std::move(a));
    server.stream->start_tls_server(server_context());
    std::string alert = "none";
    std::thread bare([&, fd = b.get()] {
        const auto c = client_context();
        SSL_CTX_set_max_proto_version(c->get(), TLS1_2_VERSION);
        SSL_CTX_clear_options(c->get(), SSL_OP_NO_RENEGOTIATION);
        SSL* ssl = SSL_new(c->get());
        SSL_set_fd(ssl, fd);
        EXPECT_EQ(SSL_connect(ssl), 1);
        EXPECT_EQ(SSL_write(ssl, "before", 6), 6);
        EXPECT_EQ(SSL_renegotiate(ssl), 1);
        EXPECT_NE(SSL_do_handshake(ssl), 1) << "the server must not take part";
        alert = tls_error_text();
        SSL_free(ssl);
        shutdown(fd, SHUT_RDWR);
    });
    EXPECT_TRUE(until([&] { return !server.ends.empty(); }));
    bare.join();
    EXPECT_EQ(server.handshakes.size(), 1U);
    EXPECT_EQ(server.received, "before");
    EXPECT_NE(alert.find("no renegotiation"), std::string::npos) << alert;
}

// A bare client that says nothing but `what`, over and over, until the server ends the connection.
class TlsIdleTalk : public TlsStream {
  protected:
    void flood(int version, const std::function<bool(SSL*)>& what) {
        auto [a, b] = tcp_pair();
        server.open(*loop, std::move(a));
        server.stream->start_tls_server(server_context());
        const int client_fd = b.get();
        std::thread bare([&] {
            const auto c = client_context();
            SSL_CTX_set_max_proto_version(c->get(), version);
            SSL* ssl = SSL_new(c->get());
            SSL_set_fd(ssl, client_fd);
            EXPECT_EQ(SSL_connect(ssl), 1);
            for (int i = 0; i < 1'000'000 && what(ssl); ++i) {
            }
            SSL_free(ssl);
        });
        EXPECT_TRUE(until([&] { return !server.ends.empty(); }));
        server.stream.reset();
        shutdown(client_fd, SHUT_RDWR);
        bare.join();
    }
};

TEST_F(TlsIdleTalk, a_flood_of_key_updates_is_cut_off) {
    flood(TLS1_3_VERSION,
          [](SSL* ssl) { return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1; });
    EXPECT_EQ(server.ends, std::vector{StreamEnd::error});
    EXPECT_EQ(server.end_error.code, Errc::limit);
}

TEST_F(TlsIdleTalk, key_updates_between_data_are_welcome) {
    std::size_t sent = 0;
    flood(TLS1_3_VERSION, [&](SSL* ssl) {
        EXPECT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        EXPECT_EQ(SSL_write(ssl, "x", 1), 1);
        return ++sent < 100 || SSL_shutdown(ssl) > 1;
    });
    EXPECT_EQ(server.ends, std::vector{StreamEnd::peer_closed});
    EXPECT_EQ(server.received, std::string(100, 'x'));
}

TEST_F(TlsStream, CVE_2020_28018_plain_text_after_close_notify_is_not_read) {
    auto [a, b] = tcp_pair();
    server.open(*loop, std::move(a));
    server.stream->start_tls_server(server_context());
    std::thread bare([&, fd = b.get()] {
        const auto c = client_context();
        SSL* ssl = SSL_new(c->get());
        SSL_set_fd(ssl, fd);
        EXPECT_EQ(SSL_connect(ssl), 1);
        SSL_write(ssl, "MAIL FR", 7);
        SSL_shutdown(ssl);
        EXPECT_TRUE(write_all(fd, "OM:<x@y>\r\nRCPT TO:<z@w>\r\n").ok());
        SSL_free(ssl);
    });
    EXPECT_TRUE(until([&] { return !server.ends.empty(); }));
    bare.join();
    EXPECT_EQ(server.ends, std::vector{StreamEnd::peer_closed});
    EXPECT_EQ(server.received, "MAIL FR");
    server.stream->close_after_flush(Millis(20));
    EXPECT_TRUE(until([&] { return server.ends.size() == 2; }));
    EXPECT_EQ(server.received, "MAIL FR");
}

TEST_F(TlsStream, old_versions_only_with_the_legacy_profile) {
    const auto old_client = [] {
        auto c = client_context();
        SSL_CTX_set_security_level(c->get(), 0);
        SSL_CTX_set_cipher_list(c->get(), "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(c->get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(c->get(), TLS1_VERSION);
        return c;
    };
    TlsServerConfig config;
    config.certificates = {make_self_signed({"printer.test"}, KeyType::rsa_2048)};
    EXPECT_FALSE(shake(server_context(config), old_client()));
    server = End();
    client = End();
    connect_ends();
    config.profile = TlsProfile::legacy;
    ASSERT_TRUE(shake(server_context(config), old_client()));
    EXPECT_EQ(server.stream->tls_info().version, "TLSv1");
    client.stream->write("HELO printer");
    EXPECT_TRUE(until([&] { return server.received == "HELO printer"; }));
}

TEST_F(TlsStream, a_verifying_client_checks_chain_and_name) {
    const auto ca = posada::test::make_ca();
    TlsServerConfig config;
    config.certificates = {posada::test::issue({"mx.micasa.test", "127.0.0.1"}, ca)};
    const auto s = server_context(config);
    const auto verifying = [](const std::string& pem) { return *TlsContext::make_client(pem, true); };
    EXPECT_TRUE(shake(s, verifying(ca.chain_pem), "mx.micasa.test"));
    const auto again = [&](const std::shared_ptr<TlsContext>& c, const std::string& name) {
        server = End();
        client = End();
        connect_ends();
        return shake(s, c, name);
    };
    EXPECT_TRUE(again(verifying(ca.chain_pem), "127.0.0.1"));
    EXPECT_FALSE(again(verifying(ca.chain_pem), "evil.micasa.test"));
    EXPECT_NE(client.handshakes.back().error().text.find("ostname mismatch"), std::string::npos)
        << client.handshakes.back().error().text;
    EXPECT_FALSE(again(verifying(posada::test::make_ca().chain_pem), "mx.micasa.test")) << "another authority";
}

TEST_F(TlsStream, handshake_survives_one_byte_at_a_time) {
    auto left = unix_pair();
    auto right = unix_pair();
    server.open(*loop, std::move(left.first));
    client.open(*loop, std::move(right.first));
    server.stream->start_tls_server(server_context());
    client.stream->start_tls_client(client_context(), {});
    ASSERT_TRUE(set_nonblocking(left.second.get(), true).ok());
    ASSERT_TRUE(set_nonblocking(right.second.get(), true).ok());
    const auto carry = [](int from, int to) {
        char byte = 0;
        if (read(from, &byte, 1) == 1) {
            EXPECT_EQ(write(to, &byte, 1), 1);
        }
    };
    client.on_tls = [&] { client.stream->write("protected"); };
    ASSERT_TRUE(until(
        [&] {
            carry(left.second.get(), right.second.get());
            carry(right.second.get(), left.second.get());
            return server.received == "protected";
        },
        Millis(20'000), Millis(0)));
}

} // namespace
} // namespace posada::io
