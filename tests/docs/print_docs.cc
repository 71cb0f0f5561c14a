// SPDX-License-Identifier: BSD-2-Clause
// Prints what the documents say about options and log events, from the tables that the programs use:
//     print-docs options   the tables of posada.toml(5), mdoc
//     print-docs events    the table of posada-log(5), mdoc
//     print-docs smtp      the command table of smtpd(8), mdoc
//     print-docs pop3      the command table of pop3d(8), mdoc
//     print-docs ftp       the command table of ftpd(8), mdoc
//     print-docs example   packaging/posada.toml.example: every key as a comment with its default
//     print-docs keys      every key once
//     print-docs words     tests/fuzz/dict/config.dict: keys, choices and headers for the mutator
//     print-docs pop3-words, smtp-words    the dictionaries of the session targets: the verbs of all rows
#include <fmt/format.h>

#include <cstdio>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "common/base/events.h"
#include "common/base/text.h"
#include "common/service/config/config.h"
#include "ctl/sections.h"
#include "ftpd/commands.h"
#include "pop3d/commands.h"
#include "smtpd/commands.h"

using namespace posada;
using namespace posada::service;

namespace {

// A schema and a struct that has its defaults.
struct Defaults {
    const Schema* schema;
    void* options;
};

std::string header_of(const OptionRow& row, const std::string& path) {
    return row.type == OptionType::tables ? fmt::format("[[{}]]", path) : fmt::format("[{}]", path);
}

std::string default_of(const OptionRow& row, void* options) {
    return row.required ? "required" : to_toml(row, row.get(options));
}

// ---- mdoc

// One word of a macro line: quotes and backslashes escaped, nothing taken for a macro.
std::string macro_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '"') {
            out += "\\(dq";
        } else if (c == '\\') {
            out += "\\e";
        } else {
            out.push_back(c);
        }
    }
    return out;
}

// Each sentence on a line of its own.
void print_sentences(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool ends = text[i] == '.' && i + 2 < text.size() && text[i + 1] == ' ';
        out += text[i] == '\\' ? std::string("\\e") : std::string(1, text[i]);
        if (ends) {
            out.push_back('\n');
            ++i;
        }
    }
    fmt::print("{}\n", out);
}

void print_rows(const Defaults& table) {
    for (const OptionRow& row : table.schema->rows) {
        if (row.inner != nullptr) continue;
        const std::string value = default_of(row, table.options);
        fmt::print(".It Ic {} No \\(em \\&{}\n", row.key, macro_text(value));
        print_sentences(row.doc);
        fmt::print(".Pq {}\n", macro_text(describe_type(row)));
    }
}

void print_table(std::string_view header, std::string_view doc, const Defaults& table);

void print_inner(std::string_view path, const Defaults& table) {
    for (const OptionRow& row : table.schema->rows) {
        if (row.inner == nullptr || row.key == "listen") continue;
        const std::string name = path.empty() ? std::string(row.key) : fmt::format("{}.{}", path, row.key);
        const Defaults inner{row.inner, row.element(table.options, 0)};
        print_table(header_of(row, name), row.doc, inner);
    }
}

void print_table(std::string_view header, std::string_view doc, const Defaults& table) {
    if (!header.empty()) fmt::print(".Ss {}\n", macro_text(header));
    print_sentences(doc);
    fmt::print(".Bl -tag -width Ds\n");
    print_rows(table);
    fmt::print(".El\n");
    const std::string_view path = header.substr(std::min(header.find_first_not_of('['), header.size()));
    print_inner(path.substr(0, path.find(']')), table);
}

void print_options() {
    CommonOptions common;
    print_table("", "Keys at the top of the file, before the first section:", {&common_schema(), &common});
    ServiceOptions service;
    print_table("All services", "Keys of every service's section:", {&service_schema(), &service});
    Listener listener;
    for (const OptionRow& row : service_schema().rows)
        if (row.key == "listen") print_table("[[SERVICE.listen]]", row.doc, {row.inner, &listener});
    for (const SectionInfo* section : ctl::all_sections()) {
        const auto options = section->make();
        print_table(fmt::format("[{}]", section->name), section->doc, {section->schema, options.get()});
    }
}

std::string_view level_name(LogLevel level) {
    switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::notice: return "notice";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
    }
    return "";
}

void print_events() {
    fmt::print(".Bl -tag -width Ds\n");
    for (const LogEvent& event : all_log_events()) {
        fmt::print(".It Ic {} Pq {}{}\n", event.id, level_name(event.level), event.monitor_only ? ", root only" : "");
        print_sentences(event.meaning);
        fmt::print("Fields: {}.\n", event.fields);
    }
    fmt::print(".El\n");
}

template <class Rows>
void print_commands(const Rows& rows) {
    fmt::print(".Bl -tag -width Ds\n");
    for (const auto& row : rows) {
        if ((row.flags & proto::hidden) != 0) continue;
        fmt::print(".It Li {}\n", macro_text(row.syntax));
        print_sentences(row.help);
        if (!row.rfc.empty()) fmt::print(".Pq {}\n", macro_text(row.rfc));
    }
    fmt::print(".El\n");
}

// ---- the example file

void print_comment(std::string_view text) {
    constexpr std::size_t width = 100;
    while (!text.empty()) {
        std::size_t end = text.size() <= width ? text.size() : text.rfind(' ', width);
        fmt::print("# {}\n", text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
}

std::string join(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

// Headers of tables are in force, so that a key below works once its '#' is gone; those of arrays would add an element.
void example_table(const std::string& path, std::span<const Defaults> parts) {
    for (const Defaults& part : parts)
        for (const OptionRow& row : part.schema->rows) {
            if (row.inner != nullptr) continue;
            print_comment(row.doc);
            fmt::print("#{} = {}\n", row.key, row.required ? "..." : default_of(row, part.options));
        }
    for (const Defaults& part : parts)
        for (const OptionRow& row : part.schema->rows) {
            if (row.inner == nullptr) continue;
            const std::string name = join(path, row.key);
            fmt::print("\n");
            print_comment(row.doc);
            fmt::print("{}{}\n", row.type == OptionType::tables ? "#" : "", header_of(row, name));
            const Defaults inner{row.inner, row.element(part.options, 0)};
            example_table(name, std::span(&inner, 1));
        }
}

void print_example() {
    fmt::print(
        "# posada: see posada.toml(5). Every key is here as a comment with its default; an empty file is valid.\n"
        "# Files conf.d/*.toml beside this one are read too. Check with: posada check\n\n");
    CommonOptions common;
    const Defaults top{&common_schema(), &common};
    example_table("", std::span(&top, 1));
    for (const SectionInfo* section : ctl::all_sections()) {
        ServiceOptions service;
        const auto options = section->make();
        const Defaults parts[] = {{&service_schema(), &service}, {section->schema, options.get()}};
        fmt::print("\n");
        print_comment(section->doc);
        fmt::print("[{}]\n", section->name);
        example_table(std::string(section->name), parts);
    }
}

// ---- lists of words

void collect(const Schema& schema, const std::string& path, std::set<std::string>& keys, std::set<std::string>& words) {
    for (const OptionRow& row : schema.rows) {
        keys.emplace(row.key);
        for (const std::string_view word : row.words) words.insert(fmt::format("\\\"{}\\\"", word));
        if (row.inner == nullptr) continue;
        words.insert(header_of(row, join(path, row.key)));
        collect(*row.inner, join(path, row.key), keys, words);
    }
}

void print_words(bool for_fuzzer) {
    std::set<std::string> keys;
    std::set<std::string> words{R"(\"1h30m\")",   R"(\"64K\")", R"(\"10.0.0.0/8\")",
                                R"(\x0a---\x0a)", R"(\"\"\")",  "'''"};
    collect(common_schema(), "", keys, words);
    for (const SectionInfo* section : ctl::all_sections()) {
        const std::string name(section->name);
        words.insert(fmt::format("[{}]", name));
        collect(service_schema(), name, keys, words);
        collect(*section->schema, name, keys, words);
    }
    if (!for_fuzzer) return fmt::print("{}\n", fmt::join(keys, "\n"));
    fmt::print("# printed by tests/print-docs words\n");
    for (const std::string& key : keys) fmt::print("\"{} = \"\n", key);
    for (const std::string& word : words) fmt::print("\"{}\"\n", word);
}

// Every verb, hidden ones too, and every capability; `more` are words of arguments, which no row has.
template <class Rows, class Capabilities>
void print_verbs(std::string_view table, const Rows& rows, const Capabilities& capabilities,
                 std::initializer_list<std::string_view> more) {
    std::set<std::string_view> words;
    for (const auto& row : rows) words.insert({row.verb, row.capability});
    for (const auto& row : capabilities) words.insert(row.word);
    words.erase("");
    fmt::print("# printed by tests/print-docs {}\n", table);
    for (const std::string_view word : words) fmt::print("\"{}\"\n", word);
    for (const std::string_view word : more) fmt::print("\"{}\"\n", word);
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc == 2 ? argv[1] : "";
    if (what == "options") {
        print_options();
    } else if (what == "events") {
        print_events();
    } else if (what == "smtp") {
        print_commands(smtpd::commands());
    } else if (what == "pop3") {
        print_commands(pop3d::commands());
    } else if (what == "ftp") {
        print_commands(ftpd::commands());
    } else if (what == "example") {
        print_example();
    } else if (what == "keys" || what == "words") {
        print_words(what == "words");
    } else if (what == "pop3-words") {
        print_verbs(what, pop3d::commands(), pop3d::general_capabilities(),
                    {" 1", " 1 0", " lir", "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", R"(\x0d\x0a)", "=",
                     "*", "AGxpcgBwYW1wbG9uYQ=="});
    } else if (what == "ftp-words") {
        print_verbs(what, ftpd::commands(), ftpd::general_features(),
                    {" lir", "TLS", " /a/../b", " -la", "127,0,0,1,200,10", "|2|::1|51210|", "ALL", "CHMOD 600 ",
                     "UMASK", "IDLE", "UTIME", " 20261122222400 ", "type;size;", R"(\xff\xf4\xff\xf2)", R"(\x0d\x0a)"});
    } else if (what == "smtp-words") {
        print_verbs(what, smtpd::commands(), smtpd::general_capabilities(),
                    {"FROM:", "TO:", "PLAIN", "LOGIN", "SCRAM-SHA-256", "SIZE=", "BODY=8BITMIME", "AUTH=<>",
                     "<lir@micasa.test>", "<u@yahoo.com>", "Received:", "<>", R"(\x0d\x0a)", R"(\x0d\x0a.\x0d\x0a)"});
    } else {
        std::fputs(
            "usage: print-docs options|events|smtp|pop3|ftp|example|keys|words|ftp-words|pop3-words|smtp-words\n",
            stderr);
        return 64;
    }
    return std::fflush(stdout) == 0 ? 0 : 71;
}
