// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/options.h"

#include <getopt.h>

#include <array>
#include <cstdio>

#include "common/base/text.h"
#include "common/base/units.h"

namespace posada::ftp {

static constexpr char usage[] =
    "usage: ftp [-46AadginpVv] [-P PORT] [-q TIME] [-T LIMIT] [-u USER] [-e COMMANDS] [--fail-exit]\n"
    "           [--tls=auto|required|implicit|off] [--ca FILE] [--insecure] [HOST [PORT]]\n"
    "       ftp [options] [-R] [--json] [-o FILE] ftp[s]://[USER[:PASSWORD]@]HOST[:PORT]/PATH[;type=A|I] ...\n"
    "       ftp [options] [-R] --upload ftp[s]://[USER[:PASSWORD]@]HOST[:PORT]/PATH FILE ...\n";

static bool set_tls(Settings& settings, std::string_view name) {
    struct Named {
        std::string_view name;
        TlsUse use;
    };
    static constexpr auto names = std::to_array<Named>({{"auto", TlsUse::automatic},
                                                        {"required", TlsUse::required},
                                                        {"implicit", TlsUse::implicit},
                                                        {"off", TlsUse::off}});
    for (const Named& one : names)
        if (one.name == name) return settings.tls = one.use, true;
    return false;
}

static bool set_port(Settings& settings, std::string_view text) {
    const auto port = parse_uint(text);
    if (!port || *port == 0 || *port > 65535) return false;
    settings.port = static_cast<std::uint16_t>(*port);
    return true;
}

static bool set_patience(Settings& settings, const std::string& text) {
    const auto seconds = parse_uint(text);
    const auto value = seconds ? Result<Millis>(Seconds(*seconds)) : parse_duration(text);
    if (!value || *value <= Millis(0) || *value > std::chrono::hours(24)) return false;
    settings.patience = *value;
    return true;
}

// Letters without a value.
static bool set_flag(Options& options, int letter) {
    Settings& settings = options.settings;
    switch (letter) {
    case '4': settings.family = AF_INET; return true;
    case '6': settings.family = AF_INET6; return true;
    case 'A': settings.data = DataMode::active; return true;
    case 'p': settings.data = DataMode::passive; return true;
    case 'a': settings.anonymous = true; return true;
    case 'd': settings.debug = true; return true;
    case 'g': settings.glob = false; return true;
    case 'i': settings.prompt = false; return true;
    case 'n': settings.auto_login = false; return true;
    case 'j': options.json = true; return true;
    case 'U': options.upload = true; return true;
    case 'R': options.resume = true; return true;
    case 'V': settings.verbose = false; return true;
    case 'v': settings.verbose = true; return true;
    case 'f': settings.fail_exit = true; return true;
    case 'k': settings.verify = false; return true;
    default: return false;
    }
}

// "get,100K", "200K,16K"
static bool set_limit(Settings& settings, std::string_view text) {
    Words words;
    for (const std::string_view word : split(text, ',')) words.emplace_back(word);
    return set_rates(*settings.rates, words).ok();
}

static bool set_value(Options& options, int letter, const std::string& value) {
    switch (letter) {
    case 'P': return set_port(options.settings, value);
    case 'q': return set_patience(options.settings, value);
    case 'T': return set_limit(options.settings, value);
    case 't': return set_tls(options.settings, value);
    case 'c': options.settings.ca_file = value; return true;
    case 'e': options.commands = value; return true;
    case 'o': options.output = value; return true;
    case 'u': options.user = value; return true;
    default: return false;
    }
}

static bool is_url(std::string_view word) { return word.find("://") != std::string_view::npos; }

static bool take_words(Options& options, int count, char** words) {
    if (options.upload) {
        if (count < 2 || !is_url(words[0])) return false;
        options.urls.emplace_back(words[0]);
        options.uploads.assign(words + 1, words + count);
        return options.output.empty() && !options.json;
    }
    if (count > 0 && is_url(words[0])) {
        options.urls.assign(words, words + count);
        return options.output.empty() || count == 1;
    }
    if (count > 0) options.host = words[0];
    if (count > 1 && !set_port(options.settings, words[1])) return false;
    return count <= 2 && options.output.empty() && !options.resume && !options.json;
}

Options read_options(int argc, char** argv, bool typed) {
    const option specs[] = {{"execute", 1, nullptr, 'e'}, {"fail-exit", 0, nullptr, 'f'}, {"tls", 1, nullptr, 't'},
                            {"ca", 1, nullptr, 'c'},      {"insecure", 0, nullptr, 'k'},  {"timeout", 1, nullptr, 'q'},
                            {"limit", 1, nullptr, 'T'},   {"upload", 0, nullptr, 'U'},    {"json", 0, nullptr, 'j'},
                            {"user", 1, nullptr, 'u'},    {"version", 0, nullptr, 'z'},   {"help", 0, nullptr, 'h'},
                            {nullptr, 0, nullptr, 0}};
    Options options;
    options.settings.verbose = typed;
    for (int letter = 0; (letter = ::getopt_long(argc, argv, "46AadginpRVvP:q:T:u:e:o:", specs, nullptr)) != -1;) {
        if (letter == 'h') return std::fputs(usage, stdout), options.leave = 0, options;
        if (letter == 'z') return std::printf("posada %s\n", POSADA_VERSION), options.leave = 0, options;
        const bool good =
            ::optarg == nullptr ? set_flag(options, letter) : set_value(options, letter, std::string(::optarg));
        ::optarg = nullptr; // getopt_long() leaves it as it was for the next letter
        if (good) continue;
        std::fputs(usage, stderr);
        options.leave = static_cast<int>(Exit::usage);
        return options;
    }
    if (!take_words(options, argc - ::optind, argv + ::optind)) {
        std::fputs(usage, stderr);
        options.leave = static_cast<int>(Exit::usage);
    }
    return options;
}

} // namespace posada::ftp
