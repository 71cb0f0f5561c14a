// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/texts.h"

#include "common/base/text.h"

namespace posada::pop3d {

namespace {

struct Row {
    Text text;
    std::string_view in[2]; // by Language
};

// clang-format off
constexpr Row rows[] = {
    {Text::signing_off, {"%1 at %2 signing off.", "%1 en %2 se despide."}},
    {Text::line_too_long, {"line too long", "línea demasiado larga"}},
    {Text::nul_in_command, {"NUL in the command", "la orden contiene un NUL"}},
    {Text::bare_cr, {"a carriage return alone in the command", "la orden contiene un retorno de carro suelto"}},
    {Text::unknown_command, {"unknown command; HELP lists them", "orden desconocida; HELP las enumera"}},
    {Text::log_in_first, {"log in first", "primero hay que identificarse"}},
    {Text::logged_in_already, {"you are logged in already", "la sesión ya está iniciada"}},
    {Text::syntax, {"syntax: %1", "sintaxis: %1"}},
    {Text::capabilities_follow, {"capabilities follow", "estas son las capacidades"}},
    {Text::commands_follow, {"commands follow", "estas son las órdenes"}},
    {Text::no_such_command, {"no such command", "no existe esa orden"}},
    {Text::utf8_on, {"UTF-8 it is", "a partir de ahora, UTF-8"}},
    {Text::languages_follow, {"languages follow", "estos son los idiomas"}},
    {Text::language_changed, {"English from now on", "a partir de ahora, en español"}},
    {Text::language_unknown, {"not spoken here; LANG alone lists the languages",
                              "idioma desconocido; LANG a secas los enumera"}},
    {Text::begin_tls, {"begin TLS now", "comience TLS"}},
    {Text::tls_already, {"TLS is on already", "TLS ya está activo"}},
    {Text::tls_unavailable, {"TLS is not available here", "aquí no hay TLS"}},
    {Text::tls_before_utf8, {"STLS comes before UTF8", "STLS va antes que UTF8"}},
    {Text::needs_tls, {"no password in plain text here; STLS first", "aquí no se aceptan contraseñas sin cifrar; STLS primero"}},
    {Text::needs_tls_and_has_none, {"no password in plain text here, and no TLS is configured",
                                    "aquí no se aceptan contraseñas sin cifrar, y no hay TLS configurado"}},
    {Text::send_password, {"send the password with PASS", "envíe la contraseña con PASS"}},
    {Text::user_first, {"USER first", "USER primero"}},
    {Text::wrong_login, {"wrong user name or password", "usuario o contraseña incorrectos"}},
    {Text::mechanism_unknown, {"mechanism not offered; AUTH alone lists them", "mecanismo no disponible; AUTH a secas los enumera"}},
    {Text::mechanisms_follow, {"mechanisms follow", "estos son los mecanismos"}},
    {Text::malformed_response, {"malformed response: %1", "respuesta mal formada: %1"}},
    {Text::cancelled, {"cancelled", "cancelado"}},
    {Text::apop_unavailable, {"APOP is not offered here", "aquí no se ofrece APOP"}},
    {Text::too_soon, {"this mailbox was opened a moment ago; try again later", "este buzón se abrió hace un momento; vuelva más tarde"}},
    {Text::login_impossible, {"no login is possible now; try again later", "ahora no es posible identificarse; vuelva más tarde"}},
    {Text::mailbox_one, {"%1 has 1 visible message (%2 hidden) in %3 octets.", "%1 tiene 1 mensaje visible (%2 ocultos) en %3 octetos."}},
    {Text::mailbox_many, {"%1 has %4 visible messages (%2 hidden) in %3 octets.", "%1 tiene %4 mensajes visibles (%2 ocultos) en %3 octetos."}},
    {Text::in_use, {"another session has this mailbox open", "otra sesión tiene abierto este buzón"}},
    {Text::mailbox_not_now, {"the mailbox cannot be opened now; try again later", "ahora no se puede abrir el buzón; vuelva más tarde"}},
    {Text::mailbox_never, {"the mailbox cannot be opened; ask the administrator", "no se puede abrir el buzón; avise al administrador"}},
    {Text::mailbox_lost, {"the mailbox was lost", "se ha perdido el buzón"}},
    {Text::server_stops, {"the server stops", "el servidor se detiene"}},
    {Text::bad_number, {"a message number is decimal digits", "un número de mensaje son cifras decimales"}},
    {Text::no_such_message, {"no such message", "no existe ese mensaje"}},
    {Text::listing, {"%1 messages (%2 octets)", "%1 mensajes (%2 octetos)"}},
    {Text::octets, {"%1 octets", "%1 octetos"}},
    {Text::top_follows, {"top of message follows", "este es el principio del mensaje"}},
    {Text::message_gone, {"another program removed this message", "otro programa ha borrado este mensaje"}},
    {Text::message_unreadable, {"the message cannot be read now; try again later", "ahora no se puede leer el mensaje; vuelva más tarde"}},
    {Text::deleted, {"message %1 deleted", "mensaje %1 borrado"}},
    {Text::maildrop, {"maildrop has %1 messages (%2 octets)", "el buzón tiene %1 mensajes (%2 octetos)"}},
    {Text::not_all_removed, {"some deleted messages were not removed", "algunos mensajes no se han podido borrar"}},
};
// clang-format on

constexpr bool one_row_per_text() {
    std::size_t next = 0;
    for (const Row& row : rows)
        if (static_cast<std::size_t>(row.text) != next++) return false;
    return next == static_cast<std::size_t>(Text::count);
}
static_assert(one_row_per_text(), "a row per Text, in the order of the enumeration");

constexpr LanguageName names[] = {{"en", "English"}, {"es", "Español"}};

} // namespace

std::span<const LanguageName> languages() noexcept { return names; }

std::optional<Language> find_language(std::string_view range) noexcept {
    while (!range.empty()) {
        for (std::size_t i = 0; i < std::size(names); ++i)
            if (iequals(range, names[i].tag)) return static_cast<Language>(i);
        const std::size_t dash = range.rfind('-');
        range = range.substr(0, dash == std::string_view::npos ? 0 : dash);
    }
    return std::nullopt;
}

std::string say(Language language, Text text, std::initializer_list<std::string_view> words) {
    const std::string_view pattern = rows[static_cast<std::size_t>(text)].in[static_cast<std::size_t>(language)];
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') {
            out += pattern[i];
            continue;
        }
        const std::size_t which = static_cast<std::size_t>(pattern[++i] - '1');
        if (which < words.size()) out += words.begin()[which];
    }
    return out;
}

} // namespace posada::pop3d
