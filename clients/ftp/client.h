// SPDX-License-Identifier: BSD-2-Clause
// Client: what a command works on, and how failures become exit codes. A handler takes the words of a command line, its
// name first, and says how it ended; what went wrong has been shown by then.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clients/ftp/listing.h"
#include "clients/ftp/transfer.h"

namespace posada::ftp {

struct Client {
    Settings settings;
    Screen screen;
    std::optional<Server> server;                           // none: not connected
    Login login;                                            // from the command line or an address
    std::map<std::string, std::vector<std::string>> macros; // of the server's entry in .netrc
    bool leaving = false;
};

// Nobody asked for what the server says while this lives; refusals are shown all the same.
class Quiet {
  public:
    explicit Quiet(Client& client) : client_(client), before_(std::exchange(client.settings.verbose, false)) {}
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    ~Quiet() { client_.settings.verbose = before_; }

  private:
    Client& client_;
    bool before_;
};

using Words = std::vector<std::string>;
using Handler = Exit (*)(Client& client, const Words& words);

Exit exit_of(const Error& error);
// Shows the error unless the server's reply that it comes from has been shown, and drops a connection that has ended.
Exit fail(Client& client, const Error& error);
Error about(const std::string& name, Error error);        // says which file it is that has trouble
Exit outcome(Client& client, const Result<Reply>& reply); // of a command whose 2xx is all there is to it
Exit connect_to(Client& client, const std::string& host);
Exit connect_as(Client& client, const std::string& host, const Login& login, const std::optional<io::Address>& at = {});
void disconnect(Client& client);

// What a file is called on the other side if nobody says it; empty: nothing that may be used.
std::string local_name(const Settings& settings, const std::string& remote);
std::string remote_name(const Settings& settings, const std::string& local);

// Moves one file; they show the figures.
struct Fetch {
    std::string remote;
    std::string local;    // empty: the remote name's last component
    bool by_user = false; // local was typed: "-" and "|command" are what they seem
    bool resume = false;
    bool for_eyes = false; // it goes to a screen
};
Exit fetch_file(Client& client, const Fetch& fetch);
// Everything that is behind request.restart in the file.
Result<Moved> store_from(Client& client, int fd, Request request);
enum class Store : std::uint8_t { replace, append, resume };
Exit store_file(Client& client, const std::string& local, const std::string& remote, Store how);
// Listings, one behind the other, to the screen or to the file (or "|command") that was typed.
Exit list(Client& client, const Words& commands, const std::string& local, bool for_eyes = false);
// The same as one JSON array.
Exit list_json(Client& client, const std::string& folder, const std::string& local);
// A directory of the server, by MLSD or else by LIST.
Result<Listing> read_folder(Client& client, const std::string& folder);
bool lists_facts(const Server& server); // MLSD
void show_refused(const Client& client, const std::string& name);
// The names that patterns stand for on the server; those that lead elsewhere are left out, and said.
Result<Words> remote_names(Client& client, const Words& patterns);
std::optional<std::uint64_t> remote_size(Client& client, const std::string& name);
std::optional<UnixTime> remote_time(Client& client, const std::string& name, Show show); // MDTM

} // namespace posada::ftp
