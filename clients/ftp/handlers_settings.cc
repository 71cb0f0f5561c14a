// SPDX-License-Identifier: BSD-2-Clause
// Commands that change how others work.
#include <array>

#include "clients/ftp/handlers.h"
#include "common/base/text.h"
#include "common/base/units.h"

namespace posada::ftp {

struct Toggle {
    std::string_view name;
    bool Settings::*value;
    const char* text;
};
static constexpr auto toggles = std::to_array<Toggle>({
    {"bell", &Settings::bell, "Bell mode"},
    {"case", &Settings::lower_case, "Case mapping"},
    {"cr", &Settings::strip_cr, "Carriage Return stripping"},
    {"debug", &Settings::debug, "Debugging"},
    {"epsv", &Settings::epsv, "EPSV"},
    {"epsv4", &Settings::epsv, "EPSV"},
    {"glob", &Settings::glob, "Globbing"},
    {"hash", &Settings::hash, "Hash mark printing"},
    {"preserve", &Settings::preserve, "Preserve modification times"},
    {"progress", &Settings::progress, "Progress bar"},
    {"prompt", &Settings::prompt, "Interactive mode"},
    {"runique", &Settings::runique, "Receive unique"},
    {"sunique", &Settings::sunique, "Store unique"},
    {"trace", &Settings::debug, "Debugging"},
    {"verbose", &Settings::verbose, "Verbose mode"},
});

static void show(const Client& client, const Toggle& toggle) {
    client.screen.line(std::string(toggle.text) + (client.settings.*toggle.value ? " on." : " off."));
}

Exit do_toggle(Client& client, const Words& words) {
    for (const Toggle& toggle : toggles) {
        if (toggle.name != words[0]) continue;
        bool& value = client.settings.*toggle.value;
        if (words.size() > 1 && words[1] != "on" && words[1] != "off")
            return client.screen.trouble("usage: " + words[0] + " [on|off]"), Exit::usage;
        value = words.size() > 1 ? words[1] == "on" : !value;
        show(client, toggle);
    }
    return Exit::ok;
}

static Exit set_type(Client& client, char type) {
    client.settings.type = type;
    if (!client.server) return Exit::ok;
    const Status set = client.server->set_type(type);
    return set ? Exit::ok : fail(client, set.error());
}

Exit do_ascii(Client& client, const Words&) { return set_type(client, 'A'); }
Exit do_binary(Client& client, const Words&) { return set_type(client, 'I'); }

static const char* type_name(const Client& client) { return client.settings.type == 'A' ? "ascii" : "binary"; }

Exit do_type(Client& client, const Words& words) {
    const std::string name = words.size() > 1 ? words[1] : "";
    if (name == "ascii" || name == "A" || name == "a") return do_ascii(client, words);
    if (name == "binary" || name == "image" || name == "tenex" || name == "I" || name == "i")
        return do_binary(client, words);
    if (!name.empty()) return client.screen.trouble("?There is no type " + name + ": ascii, binary"), Exit::usage;
    client.screen.line(std::string("Using ") + type_name(client) + " mode to transfer files.");
    return Exit::ok;
}

// Of what RFC 959 has beside these nothing is left in use.
Exit do_fixed(Client& client, const Words& words) {
    const std::string only = words[0] == "mode" ? "stream" : words[0] == "form" ? "non-print" : "file";
    const std::string wanted = words.size() > 1 ? words[1] : only;
    if (wanted != only)
        return client.screen.trouble("We only support " + words[0] + " " + only + ", sorry."), Exit::usage;
    client.screen.line("Using " + only + " " + words[0] + ".");
    return Exit::ok;
}

static const char* mode_name(DataMode mode) {
    if (mode == DataMode::automatic) return "on; fallback to active mode: on.";
    return mode == DataMode::passive ? "on; fallback to active mode: off." : "off; fallback to active mode: off.";
}

Exit do_passive(Client& client, const Words& words) {
    DataMode& mode = client.settings.data;
    const std::string wanted = words.size() > 1 ? words[1] : "";
    if (wanted.empty())
        mode = mode == DataMode::active ? DataMode::automatic : DataMode::active;
    else if (wanted == "on")
        mode = DataMode::passive;
    else if (wanted == "off")
        mode = DataMode::active;
    else if (wanted == "auto")
        mode = DataMode::automatic;
    else
        return client.screen.trouble("usage: passive [on|off|auto]"), Exit::usage;
    if (client.server) client.server->active = false;
    client.screen.line(std::string("Passive mode: ") + mode_name(mode));
    return Exit::ok;
}

static std::string word(const Words& words, std::size_t at) { return at < words.size() ? words[at] : std::string(); }

Exit do_ntrans(Client& client, const Words& words) {
    client.settings.translation = {word(words, 1), word(words, 2)};
    client.screen.line(words.size() > 1 ? "Ntrans on." : "Ntrans off.");
    return Exit::ok;
}

Exit do_nmap(Client& client, const Words& words) {
    if (words.size() == 2) return client.screen.trouble("usage: nmap [in-pattern out-pattern]"), Exit::usage;
    client.settings.mapping = {word(words, 1), word(words, 2)};
    client.screen.line(words.size() > 1 ? "Nmap on." : "Nmap off.");
    return Exit::ok;
}

static std::string rate_text(const Rate& rate) {
    if (rate.limit() == 0) return "unlimited";
    return size_text(rate.limit()) + " bytes/s (increment " + size_text(rate.increment()) + ")";
}

static void show_rates(const Client& client) {
    client.screen.line("Get transfer rate throttle: " + rate_text(client.settings.rates->get) + ".");
    client.screen.line("Put transfer rate throttle: " + rate_text(client.settings.rates->put) + ".");
}

Exit do_rate(Client& client, const Words& words) {
    const Status set =
        words.size() == 1 ? Status{} : set_rates(*client.settings.rates, {words.begin() + 1, words.end()});
    if (!set) return client.screen.trouble("ftp: " + words[0] + ": " + set.error().text), Exit::usage;
    show_rates(client);
    return Exit::ok;
}

static std::string on_or_off(const std::string& first, const std::string& second) {
    return first.empty() ? "off." : "(in) " + first + " (out) " + second;
}

Exit do_status(Client& client, const Words&) {
    const Screen& screen = client.screen;
    screen.line(client.server ? "Connected to " + client.server->host + "." : "Not connected.");
    if (client.server && client.server->control.wire().encrypted())
        screen.line("TLS: " + client.server->control.wire().describe_tls());
    screen.line(std::string("Mode: stream; Type: ") + type_name(client) + "; Form: non-print; Structure: file");
    screen.line(std::string("Passive mode: ") + mode_name(client.settings.data));
    for (const Toggle& toggle : toggles)
        if (toggle.name != "trace" && toggle.name != "epsv4") show(client, toggle);
    show_rates(client);
    screen.line("Ntrans: " + on_or_off(client.settings.translation.from, client.settings.translation.to));
    screen.line("Nmap: " + on_or_off(client.settings.mapping.in, client.settings.mapping.out));
    return Exit::ok;
}

} // namespace posada::ftp
