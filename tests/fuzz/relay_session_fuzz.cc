// SPDX-License-Identifier: BSD-2-Clause
// A hostile server facing the relay: byte 0 chooses the route's TLS and the message, byte 1 how the input is cut, the
// rest is what the server says, whenever. Every recipient gets exactly one outcome or the connection's reason, commands
// are clean lines, a body is only sent after DATA, and nothing is written after the end.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "common/base/text.h"
#include "smtpd/relay_session.h"

using namespace posada;
using namespace posada::smtpd;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

class Driver {
  public:
    explicit Driver(std::uint8_t setup) : setup_(setup), session_(options(setup)) {}

    void feed(std::string_view input, std::size_t piece) {
        while (!input.empty() && !closed_) {
            perform(session_.bytes(input.substr(0, piece)));
            input.remove_prefix(std::min(piece, input.size()));
        }
        if (!closed_) perform(session_.lost("the fuzzer ended"));
        require(closed_);
        require(session_.patience().count() >= 0);
    }

  private:
    static RelayOptions options(std::uint8_t setup) {
        RelayOptions out;
        out.hostname = "mx.micasa.test";
        out.remote = "mx.yahoo.test";
        out.tls = static_cast<RouteTls>(setup % 3);
        return out;
    }
    static RelayMessage message(std::uint8_t setup) {
        RelayMessage out;
        out.sender = (setup & 4) != 0 ? "" : "lir@micasa.test";
        out.body_8bit = (setup & 8) != 0;
        out.size = 5000;
        for (std::uint64_t row = 1; row <= 1U + (setup >> 4) % 8; ++row)
            out.rows.push_back({row, "u" + std::to_string(row) + "@yahoo.test", 0, false});
        return out;
    }
    void perform(const std::vector<RelayEffect>& effects) {
        for (const RelayEffect& effect : effects) {
            require(!closed_);
            act(effect);
        }
    }
    void act(const RelayEffect& e) {
        switch (e.kind) {
        case RelayEffect::Kind::write: return check_commands(e.bytes);
        case RelayEffect::Kind::start_tls: return perform(session_.tls_done(handshake()));
        case RelayEffect::Kind::send_body:
            require(data_said_ && !body_);
            body_ = true;
            return perform(session_.body_sent());
        case RelayEffect::Kind::end_body:
            require(body_);
            body_ = data_said_ = false;
            return;
        case RelayEffect::Kind::outcome: return settle(e.results);
        case RelayEffect::Kind::ready:
            if (++messages_ > 2) return perform(session_.quit());
            open_.clear();
            for (const LeaseRow& row : message(setup_).rows) open_[row.row] = true;
            return perform(session_.begin(message(setup_)));
        case RelayEffect::Kind::close:
            closed_ = true;
            require(!has_control(e.reason.text));
            return;
        }
    }
    Status handshake() const {
        if ((setup_ & 128) != 0) return Error{Errc::protocol, 0, "bad certificate"};
        return {};
    }
    void check_commands(const std::string& bytes) {
        require(bytes.size() >= 2 && bytes.substr(bytes.size() - 2) == "\r\n");
        for (std::size_t i = 0; i < bytes.size(); ++i)
            require(static_cast<unsigned char>(bytes[i]) >= 0x20 || bytes[i] == '\r' || bytes[i] == '\n');
        if (bytes.find("DATA\r\n") != std::string::npos) data_said_ = true;
    }
    void settle(const std::vector<RowResult>& results) {
        for (const RowResult& one : results) {
            const auto at = open_.find(one.row);
            require(at != open_.end() && at->second); // a row of this message, for the first time
            at->second = false;
            require(!has_control(one.text) && !one.status.empty());
        }
        for (const auto& [row, still_open] : open_) require(!still_open);
    }

    std::uint8_t setup_;
    RelaySession session_;
    std::map<std::uint64_t, bool> open_;
    int messages_ = 0;
    bool data_said_ = false;
    bool body_ = false;
    bool closed_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    Driver driver(data[0]);
    driver.feed({reinterpret_cast<const char*>(data) + 2, size - 2}, 1U + data[1]);
    return 0;
}
