// SPDX-License-Identifier: BSD-2-Clause
// What the server can do, and in which words: CAPA and HELP read the command table, LANG and UTF8 are RFC 6856.
#include "common/base/text.h"
#include "common/proto/reply.h"
#include "pop3d/session.h"

namespace posada::pop3d {

// RFC 2449 §5: what is announced before login is announced after it too. What would be refused whatever the state (STLS
// under TLS, a password in plain text) is not.
bool Session::announces(const proto::CommandRow<Session>& row) const {
    if (row.capability.empty()) return false;
    proto::WalkContext anywhere = walk_context();
    anywhere.state = row.states;
    const proto::Refusal refusal = proto::check_command(row, "", anywhere);
    return refusal == proto::Refusal::none || refusal == proto::Refusal::argument_missing;
}

void Session::on_capa(std::string_view) {
    std::string out = proto::ok_reply(say(Text::capabilities_follow, {}), charset());
    const auto line = [&](std::string_view word, std::string (*words)(const Session&)) {
        const std::string behind = words == nullptr ? std::string() : words(*this);
        if (behind == "-") return;
        out.append(word).append(behind.empty() ? "" : " ").append(behind).append("\r\n");
    };
    for (const auto& row : commands())
        if (announces(row)) line(row.capability, row.capability_value);
    for (const auto& row : general_capabilities()) line(row.word, row.value);
    send(std::move(out.append(".\r\n")));
}

// Whole days that a message surely stays (RFC 2449 §6.7).
std::string Session::expire_words(const Session& session) {
    const Millis expire = session.policy_.expire;
    return expire == Millis(0) ? "NEVER" : std::to_string(expire / std::chrono::hours(24));
}

// What is announced is never less than what is enforced.
std::string Session::login_delay_words(const Session& session) {
    const Millis delay = session.policy_.login_delay;
    return delay == Millis(0) ? "-" : std::to_string(std::chrono::ceil<Seconds>(delay).count());
}

// Nobody needs to know before login what runs here.
std::string Session::implementation_words(const Session& session) { return session.logged_in() ? "posada" : "-"; }

void Session::on_help(std::string_view arg) {
    const std::string_view verb = trim(arg);
    const auto line = [this](const proto::CommandRow<Session>& row) {
        return std::string(row.syntax).append(": ").append(language_ == Language::spanish ? row.other_help : row.help);
    };
    if (!verb.empty()) {
        const auto* row = proto::find_command(commands(), verb);
        if (row == nullptr) return error(Text::no_such_command);
        return send(proto::ok_reply(line(*row), charset()));
    }
    std::string out = proto::ok_reply(say(Text::commands_follow, {}), charset());
    for (const auto& row : commands())
        if ((row.flags & proto::hidden) == 0) out.append(line(row)).append("\r\n");
    send(std::move(out.append(".\r\n")));
}

// Nothing changes with it but that STLS has had its time (RFC 6856 §2.1): a message is sent as it is stored, to every
// client.
void Session::on_utf8(std::string_view) {
    utf8_ = true;
    ok(Text::utf8_on);
}

void Session::on_lang(std::string_view arg) {
    const std::string_view range = trim(arg);
    if (range.empty()) return list_languages();
    const auto found = range == "*" ? std::optional(policy_.language) : find_language(range);
    if (!found) return error(Text::language_unknown);
    language_ = *found;
    const std::string_view tag = languages()[static_cast<std::size_t>(language_)].tag;
    send(proto::ok_reply(std::string(tag).append(" ").append(say(Text::language_changed, {})), charset()));
}

// RFC 6856 §3: the names of the languages are UTF-8 for everybody.
void Session::list_languages() {
    std::string out = proto::ok_reply(say(Text::languages_follow, {}), charset());
    for (const LanguageName& row : languages()) out.append(row.tag).append(" ").append(row.name).append("\r\n");
    send(std::move(out.append(".\r\n")));
}

} // namespace posada::pop3d
