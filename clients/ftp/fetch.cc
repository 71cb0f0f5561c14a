// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/fetch.h"

#include "clients/ftp/local_file.h"
#include "clients/ftp/netrc.h"
#include "clients/ftp/url.h"

namespace posada::ftp {

static Exit transfer(Client& client, const Url& url, const Options& options) {
    if (url.type == 'D' || url.is_directory()) {
        const std::string verb = url.type == 'D' ? "NLST" : "LIST";
        const std::string local = options.output == "-" ? "" : options.output;
        if (options.json) return list_json(client, url.path, local);
        return list(client, {url.path.empty() ? verb : verb + " " + url.path}, local);
    }
    client.settings.type = url.type;
    Fetch fetch{url.path, options.output, !options.output.empty(), options.resume};
    return fetch_file(client, fetch);
}

// One file has the name in the address, unless that is a directory's.
static Exit upload(Client& client, const Url& url, const Options& options) {
    if (!url.is_directory() && options.uploads.size() > 1)
        return fail(client, Error{Errc::invalid, 0, "several files go to a directory: an address that ends in /"});
    client.settings.type = url.type == 'A' ? 'A' : 'I';
    Exit first = Exit::ok;
    for (const std::string& local : options.uploads) {
        const std::string name = url.is_directory() ? url.path + remote_name(client.settings, local) : url.path;
        const Exit exit = store_file(client, local, name, options.resume ? Store::resume : Store::replace);
        if (first == Exit::ok) first = exit;
        if (!client.server) break;
    }
    return first;
}

static Exit connect_url(Client& client, const Url& url, const Options& options) {
    client.settings = options.settings;
    client.settings.auto_login = true;
    if (url.port != 0) client.settings.port = url.port;
    if (url.tls) client.settings.tls = TlsUse::implicit;
    Login login = client.login;
    if (url.user) login = {*url.user, url.password, ""};
    if (const Status known = add_netrc(login, url.host); !known) return fail(client, known.error());
    if (login.user.empty()) login.user = "anonymous";
    return connect_as(client, url.host, login);
}

static Exit move_url(Client& client, const std::string& text, const Options& options) {
    const auto url = parse_url(text);
    if (!url) {
        client.screen.trouble("ftp: " + text + ": " + url.error().text);
        return Exit::url;
    }
    Exit exit = connect_url(client, *url, options);
    if (exit == Exit::ok) exit = options.upload ? upload(client, *url, options) : transfer(client, *url, options);
    disconnect(client);
    return exit;
}

Exit move_urls(Client& client, const Options& options) {
    Exit first = Exit::ok;
    for (const std::string& url : options.urls) {
        const Exit exit = move_url(client, url, options);
        if (first == Exit::ok) first = exit;
    }
    return first;
}

} // namespace posada::ftp
