// SPDX-License-Identifier: BSD-2-Clause
// Dialog files (tests/dialog/<protocol>/*.dlg): one conversation as data. The same file is played against the pure
// session at every split and against the real daemon. A file:
//     # title                      the first line
//     # rfc: RFC 5321 4.1.1        where it is written
//     # any further comment
//     @server auth relay           what the server must be set up for, words of the protocol's own
//     @lf                          the client's lines end in LF
//     @split every-byte            the client sends single bytes (the real player; the pure one does it anyway)
//     s> 250-* Hello *             the next line of the server; * stands for any text
//     c> HELO x                    the client's line; \r \n \0 \\ \xHH are understood
//     c| text                      the same without a line end
//     @tls starttls                the handshake; "@tls implicit" before the first s>
//     @data connect                FTP: the client opens the data connection that the last 227 or 229 names
//     @data listen                 FTP: the client listens; %PORT% and %EPRT% in its lines say where
//     d> text, d< text             FTP: the next line over the data connection, and what the client sends there
//     @data end [octets]           FTP: it ends; so many octets came before, if that is said
//                                  (the pure player has no data connections: it tells what is sent and its end)
//     @pause                       the client waits a moment: what is there must be handled before more comes
//     @close                       the server closes; must be the last line
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace posada::test {

enum class StepKind : unsigned char { expect, send, start_tls, pause, closed, data_sent, data_end };

struct Step {
    StepKind kind = StepKind::expect;
    std::string text;
    unsigned line = 0;
};

struct Dialog {
    std::string file;
    std::string title;
    std::string rfc;
    std::vector<std::string> server; // @server words
    bool implicit_tls = false;
    bool every_byte = false;
    std::vector<Step> steps;
    [[nodiscard]] bool needs(std::string_view word) const;
};

Result<Dialog> parse_dialog(std::string_view text, std::string file);
// All *.dlg of a folder, sorted by name.
Result<std::vector<Dialog>> load_dialogs(const std::string& folder);
// "*" = any text, also none.
bool glob_match(std::string_view pattern, std::string_view text);

// A server as the player sees it. Output is gathered by the implementation.
class DialogServer {
  public:
    virtual ~DialogServer() = default;
    virtual void receive(std::string_view bytes) = 0;
    virtual void start_tls() = 0;
    virtual void receive_data(std::string_view) {}
    virtual void end_data() {}
    // Everything said since the last call.
    virtual std::string take_output() = 0;
    [[nodiscard]] virtual bool closed() const = 0;
};

// How the client's lines are cut: after every `first` bytes; 0 = whole lines; 1 = single bytes.
struct Split {
    std::size_t first = 0;
};
// "" = as written, else "file:line: what was expected and what came".
std::string play(const Dialog& dialog, DialogServer& server, Split split);

} // namespace posada::test
