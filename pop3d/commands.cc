// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/commands.h"

#include "pop3d/session.h"

namespace posada::pop3d {

using proto::Arg;
using proto::exact_arg;
using proto::needs_privacy;
using proto::redact;
using proto::starts_tls;

std::span<const proto::CommandRow<Session>> commands() noexcept {
    constexpr proto::StateSet login = state_authorization;
    constexpr proto::StateSet mail = state_transaction;
    constexpr proto::StateSet both = login | mail;
    // clang-format off
    static const proto::CommandRow<Session> table[] = {
        {"CAPA", Arg::none, both, 0, "CAPA", "Lists what this server can do.",
         "", nullptr, "RFC 2449 5", &Session::on_capa, "Enumera lo que sabe hacer este servidor."},
        {"STLS", Arg::none, login, starts_tls, "STLS", "Encrypts the connection with TLS.",
         "STLS", nullptr, "RFC 2595 4", &Session::on_stls, "Cifra la conexión con TLS."},
        {"UTF8", Arg::none, login, 0, "UTF8", "Says that the client understands UTF-8 in headers.",
         "UTF8", nullptr, "RFC 6856 2.1", &Session::on_utf8, "Anuncia que el cliente entiende UTF-8 en las cabeceras."},
        {"LANG", Arg::optional, both, 0, "LANG [language]", "Lists the languages of the replies, or chooses one.",
         "LANG", nullptr, "RFC 6856 3", &Session::on_lang, "Enumera los idiomas de las respuestas o elige uno."},
        {"USER", Arg::required, login, needs_privacy, "USER name", "Says who you are.",
         "USER", nullptr, "RFC 1939 7", &Session::on_user, "Dice quién es usted."},
        {"PASS", Arg::required, login, needs_privacy | redact | exact_arg, "PASS password", "Logs in; the password may hold spaces.",
         "", nullptr, "RFC 1939 7", &Session::on_pass, "Inicia la sesión; la contraseña puede llevar espacios."},
        {"APOP", Arg::required, login, redact, "APOP name digest",
         "Logs in without sending the secret, by the MD5 of the greeting's challenge and the secret.",
         "", nullptr, "RFC 1939 7", &Session::on_apop, "Inicia la sesión sin enviar el secreto, con el MD5 del reto del saludo y del secreto."},
        {"AUTH", Arg::optional, login, needs_privacy | redact, "AUTH [mechanism [initial-response]]",
         "Logs in by SASL; alone, lists the mechanisms.", "SASL", &Session::mechanism_words, "RFC 5034 4",
         &Session::on_auth, "Inicia la sesión por SASL; a secas, enumera los mecanismos."},
        {"STAT", Arg::none, mail, 0, "STAT", "Tells the number of messages and their octets.",
         "", nullptr, "RFC 1939 5", &Session::on_stat, "Dice cuántos mensajes hay y cuántos octetos ocupan."},
        {"LIST", Arg::optional, mail, 0, "LIST [msg]", "Tells the octets of one message or of all.",
         "", nullptr, "RFC 1939 5", &Session::on_list, "Dice los octetos de un mensaje o de todos."},
        {"UIDL", Arg::optional, mail, 0, "UIDL [msg]", "Tells the lasting name of one message or of all.",
         "UIDL", nullptr, "RFC 1939 7", &Session::on_uidl, "Dice el nombre duradero de un mensaje o de todos."},
        {"RETR", Arg::required, mail, 0, "RETR msg", "Sends a message.",
         "", nullptr, "RFC 1939 5", &Session::on_retr, "Envía un mensaje."},
        {"TOP", Arg::required, mail, 0, "TOP msg n", "Sends a message's header and the first n lines of its body.",
         "TOP", nullptr, "RFC 1939 7", &Session::on_top, "Envía la cabecera de un mensaje y las primeras n líneas de su cuerpo."},
        {"DELE", Arg::required, mail, 0, "DELE msg", "Marks a message; QUIT deletes it.",
         "", nullptr, "RFC 1939 5", &Session::on_dele, "Marca un mensaje; QUIT lo borra."},
        {"RSET", Arg::none, mail, 0, "RSET", "Takes all marks back.",
         "", nullptr, "RFC 1939 5", &Session::on_rset, "Quita todas las marcas."},
        {"NOOP", Arg::none, mail, 0, "NOOP", "Does nothing.",
         "", nullptr, "RFC 1939 5", &Session::on_noop, "No hace nada."},
        {"HELP", Arg::optional, both, 0, "HELP [command]", "Explains the commands.",
         "", nullptr, "", &Session::on_help, "Explica las órdenes."},
        {"QUIT", Arg::none, both, 0, "QUIT", "Deletes what is marked and ends the session.",
         "", nullptr, "RFC 1939 4, 6", &Session::on_quit, "Borra lo marcado y termina la sesión."},
    };
    // clang-format on
    return table;
}

std::span<const proto::Capability<Session>> general_capabilities() noexcept {
    static constexpr proto::Capability<Session> words[] = {
        {"RESP-CODES", nullptr},
        {"AUTH-RESP-CODE", nullptr},
        {"PIPELINING", nullptr},
        {"EXPIRE", &Session::expire_words},
        {"LOGIN-DELAY", &Session::login_delay_words},
        {"IMPLEMENTATION", &Session::implementation_words},
    };
    return words;
}

} // namespace posada::pop3d
