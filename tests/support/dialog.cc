// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/dialog.h"

#include <algorithm>
#include <filesystem>

#include "common/base/fd.h"
#include "common/base/text.h"

namespace posada::test {

namespace {

constexpr std::size_t npos = std::string_view::npos;

Error mistake(const Dialog& dialog, unsigned line, const std::string& what) {
    return Error{Errc::invalid, 0, dialog.file + ":" + std::to_string(line) + ": " + what};
}

std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char c = text[++i];
        if (c == 'x') {
            out += unhex(text.substr(i + 1, 2)).value_or("?");
            i += 2;
        } else {
            out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
        }
    }
    return out;
}

// Where a client of the pure player would listen.
std::string with_port(std::string_view text) {
    std::string out(text);
    constexpr std::pair<std::string_view, std::string_view> words[] = {{"%PORT%", "192,0,2,7,200,10"},
                                                                       {"%EPRT%", "|1|192.0.2.7|51210|"}};
    for (const auto& [word, port] : words)
        if (const std::size_t at = out.find(word); at != npos) out.replace(at, word.size(), port);
    return out;
}

struct Parser {
    Dialog dialog;
    unsigned line = 0;
    std::string line_end = "\r\n";

    void step(StepKind kind, std::string text) { dialog.steps.push_back(Step{kind, std::move(text), line}); }
    Status directive(std::string_view text);
    Status tls(std::string_view how);
    Status one(std::string_view text);
};

Status Parser::tls(std::string_view how) {
    if (how == "implicit" && dialog.steps.empty()) {
        dialog.implicit_tls = true;
    } else if (how == "starttls") {
        step(StepKind::start_tls, {});
    } else {
        return mistake(dialog, line, "@tls starttls, or @tls implicit before anything else");
    }
    return {};
}

Status Parser::directive(std::string_view text) {
    const auto [name, arg] = split_word(text);
    if (name == "@tls") return tls(arg);
    if (name == "@server") {
        for (const auto word : split(arg, ' ')) dialog.server.emplace_back(word);
    } else if (name == "@lf") {
        line_end = "\n";
    } else if (name == "@split" && arg == "every-byte") {
        dialog.every_byte = true;
    } else if (name == "@data") {
        step(istarts_with(arg, "end") ? StepKind::data_end : StepKind::pause, {});
    } else if (name == "@pause") {
        step(StepKind::pause, {});
    } else if (name == "@close") {
        step(StepKind::closed, {});
    } else {
        return mistake(dialog, line, "unknown directive " + std::string(text));
    }
    return {};
}

Status Parser::one(std::string_view text) {
    const std::string_view mark = text.substr(0, 2);
    const std::string_view rest =
        text.size() > 2 && text[2] == ' ' ? text.substr(3) : text.substr(std::min<std::size_t>(2, text.size()));
    if (line == 1) {
        if (mark != "# ") return mistake(dialog, line, "the first line is \"# title\"");
        dialog.title = text.substr(2);
    } else if (istarts_with(text, "# rfc: ")) {
        dialog.rfc = text.substr(7);
    } else if (text.empty() || text.front() == '#') {
        return {};
    } else if (text.front() == '@') {
        return directive(text);
    } else if (mark == "s>") {
        step(StepKind::expect, std::string(rest));
    } else if (mark == "d<") {
        step(StepKind::data_sent, unescape(rest));
    } else if (mark == "d>") {
        step(StepKind::pause, {});
    } else if (mark == "c>") {
        step(StepKind::send, unescape(with_port(rest)) + line_end);
    } else if (mark == "c|") {
        step(StepKind::send, unescape(rest));
    } else {
        return mistake(dialog, line, "a line starts with s>, c>, c|, d>, d<, @ or #");
    }
    return {};
}

// The server's output, line by line.
class Heard {
  public:
    explicit Heard(DialogServer& server) : server_(server) {}
    // False when there is no whole line.
    bool next(std::string& line) {
        text_ += server_.take_output();
        const std::size_t end = text_.find("\r\n");
        if (end == npos) return false;
        line = text_.substr(0, end);
        text_.erase(0, end + 2);
        return true;
    }
    std::string rest() {
        text_ += server_.take_output();
        return text_;
    }

  private:
    DialogServer& server_;
    std::string text_;
};

void send(DialogServer& server, std::string_view text, std::size_t piece) {
    while (!text.empty()) {
        const std::string_view part = text.substr(0, piece == 0 ? npos : piece);
        server.receive(part);
        text.remove_prefix(part.size());
    }
}

// "" or what went wrong.
std::string perform(const Step& step, DialogServer& server, Heard& heard, Split split) {
    std::string said;
    switch (step.kind) {
    case StepKind::pause: break;
    case StepKind::data_sent: server.receive_data(step.text); break;
    case StepKind::data_end: server.end_data(); break;
    case StepKind::send: send(server, step.text, split.first); break;
    case StepKind::start_tls:
        if (!heard.rest().empty()) return "unread before the handshake: " + heard.rest();
        server.start_tls();
        break;
    case StepKind::closed:
        if (!server.closed()) return "the server did not close";
        break;
    case StepKind::expect:
        if (!heard.next(said)) return "expected \"" + step.text + "\", nothing came";
        if (!glob_match(step.text, said)) return "expected \"" + step.text + "\", got \"" + said + "\"";
        break;
    }
    return {};
}

} // namespace

bool Dialog::needs(std::string_view word) const {
    return std::find(server.begin(), server.end(), word) != server.end();
}

Result<Dialog> parse_dialog(std::string_view text, std::string file) {
    Parser parser;
    parser.dialog.file = std::move(file);
    for (const auto line : split(text, '\n')) {
        ++parser.line;
        RETURN_IF_ERROR(parser.one(line));
    }
    if (parser.dialog.rfc.empty()) return mistake(parser.dialog, 1, "no \"# rfc:\" line");
    if (parser.dialog.steps.empty()) return mistake(parser.dialog, 1, "no steps");
    return std::move(parser.dialog);
}

Result<std::vector<Dialog>> load_dialogs(const std::string& folder) {
    std::error_code failed;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed))
        if (entry.path().extension() == ".dlg") files.push_back(entry.path().string());
    if (failed) return Error{Errc::not_found, failed.value(), folder};
    std::sort(files.begin(), files.end());
    std::vector<Dialog> out;
    for (const auto& file : files) {
        auto text = read_file(file, 1 << 20);
        if (!text) return text.error();
        auto dialog = parse_dialog(*text, file);
        if (!dialog) return dialog.error();
        out.push_back(std::move(*dialog));
    }
    return out;
}

bool glob_match(std::string_view pattern, std::string_view text) {
    const std::size_t star = pattern.find('*');
    if (star == npos) return pattern == text;
    if (text.substr(0, star) != pattern.substr(0, star)) return false;
    pattern.remove_prefix(star + 1);
    text.remove_prefix(star);
    for (;;) {
        if (glob_match(pattern, text)) return true;
        if (text.empty()) return false;
        text.remove_prefix(1);
    }
}

std::string play(const Dialog& dialog, DialogServer& server, Split split) {
    Heard heard(server);
    for (const Step& step : dialog.steps) {
        const std::string wrong = perform(step, server, heard, split);
        if (!wrong.empty()) return dialog.file + ":" + std::to_string(step.line) + ": " + wrong;
    }
    if (const std::string rest = heard.rest(); !rest.empty()) return dialog.file + ": unexpected at the end: " + rest;
    return {};
}

} // namespace posada::test
