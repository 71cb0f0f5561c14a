// SPDX-License-Identifier: BSD-2-Clause
// MboxReader: any cut gives the same messages, no content is invented, and what was read can be written as mboxrd and
// read again to the same content. The probe lets Content-Length be believed or not, as on a file.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mbox.h"

using namespace posada::store;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

struct Read {
    std::string content;
    std::string sender;
    std::string notes;
    bool operator==(const Read&) const = default;
};

class Collector final : public MboxSink {
  public:
    void begin(const FromLine& from) override {
        require(!open_);
        open_ = true;
        messages.push_back({"", from.sender + "@" + std::to_string(from.local_time), ""});
    }
    void content(std::string_view bytes) override {
        require(open_ && !bytes.empty());
        messages.back().content += bytes;
    }
    void end(const MboxStatus& status) override {
        require(open_);
        open_ = false;
        require(status.uidl.size() <= 70 && status.flags.size() <= 5);
        messages.back().notes = status.flags + status.uidl + (status.seen_before ? "O" : "N");
        for (const std::string& keyword : status.keywords) messages.back().notes += " " + keyword;
    }
    std::vector<Read> messages;

  private:
    bool open_ = false;
};

std::vector<Read> read(std::string_view text, std::size_t piece, MboxQuoting quoting, bool probe) {
    Collector sink;
    const auto look = [&](std::uint64_t offset) -> std::optional<std::string> {
        if (offset > text.size()) return std::nullopt;
        return std::string(text.substr(offset, max_from_line));
    };
    MboxReader reader(sink, quoting, probe ? MboxReader::Probe(look) : nullptr);
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
        (void)reader.feed(rest.substr(0, piece));
    require(reader.finish().ok() || sink.messages.empty());
    require(reader.messages() == sink.messages.size());
    return sink.messages;
}

// As a careful writer does it: every line of the body that looks like a message's start gets another '>'.
std::string as_mboxrd(const std::string& content) {
    std::string out = "From x@y Thu Jan  1 00:00:00 1970\n";
    const std::size_t body = content.starts_with('\n') ? 1 : content.find("\n\n") + 2;
    out += content.substr(0, body);
    for (std::size_t at = body; at < content.size();) {
        const std::size_t end = std::min(content.find('\n', at), content.size() - 1) + 1;
        const std::size_t text = content.find_first_not_of('>', at);
        if (text != std::string::npos && content.compare(text, 5, "From ") == 0) out += '>';
        out += content.substr(at, end - at);
        at = end;
    }
    if (!out.ends_with('\n')) out += '\n';
    return out + '\n';
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto quoting = static_cast<MboxQuoting>(data[0] % 3);
    const bool probe = (data[0] & 4U) != 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::vector<Read> whole = read(text, text.size(), quoting, probe);
    std::size_t octets = 0;
    for (const Read& message : whole) octets += message.content.size();
    require(octets <= text.size());
    for (const std::size_t piece : {1U, 2U, 3U, 13U, 1025U}) require(read(text, piece, quoting, probe) == whole);
    if (text.find('\r') != std::string_view::npos) return 0;
    for (const Read& message : whole) {
        if (!message.content.starts_with('\n') && message.content.find("\n\n") == std::string::npos) continue;
        const std::string written = as_mboxrd(message.content);
        const std::vector<Read> again = read(written, written.size(), MboxQuoting::mboxrd, false);
        require(again.size() == 1);
        require(again[0].content == message.content || again[0].content == message.content + "\n");
    }
    return 0;
}
