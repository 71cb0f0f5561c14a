// SPDX-License-Identifier: BSD-2-Clause
// Conn: the only driver of a Session. It carries out effects (writes, TLS, questions to monitor and agent, data
// connections and transfers) and feeds the session with bytes, answers and time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/service/net/session_driver.h"
#include "ftpd/agent_protocol.h"
#include "ftpd/data_connection.h"
#include "ftpd/data_transfer.h"
#include "ftpd/session.h"

namespace posada::ftpd {

struct NetSettings {
    Policy policy;
    static Result<NetSettings> read(const service::NetStart& start);
};

class Conn final : public service::SessionDriver<Session> {
  public:
    // settings outlive the connection.
    Conn(service::NetContext& context, const NetSettings& settings, service::Accepted accepted,
         std::function<void()> finished);

  private:
    void on_peer() override;
    void greet() override;
    void on_tls() override;
    void on_end() override;
    void perform(const Effect& effect) override;
    [[nodiscard]] std::optional<Millis> patience() override;
    void take_agent(UniqueFd channel) override;

    using SessionDriver::act;
    // conn_files.cc: what the agent is asked
    void act(const EnterDirectory& enter);
    void act(const Look& look);
    void act(const ChangeFiles& change);
    void act(const AskRoom& room);
    void act(const OpenFile& open);
    void open_to_read(const OpenFile& open);
    void open_to_write(const OpenFile& open);
    void act(const OpenListing& open);
    void act(const ReadListing& read);
    void read_listing();
    void agent_lost();
    void opened(TransferPlan::What what, Opened opened);
    template <class R, class OnAnswer>
    void ask_agent(const R& request, OnAnswer on_answer);

    void act(const AnonymousCheck& check);
    void act(const NoteTransfer& note);
    void prepare_gift(const std::string& path);
    void finish_upload(TransferEnd how);

    // conn_data.cc: data connections and transfers
    void act(const ListenForData&);
    void ask_ports(unsigned attempts);
    void listen(unsigned attempts);
    void act(const UseDataPort& to);
    void act(const DropData&);
    void act(const Transfer& transfer);
    void connect_to_client();
    void start_transfer(UniqueFd socket);
    void act(const AbortTransfer&);
    void act(const TellProgress&);
    void transfer_over(TransferEnd how);
    void tell_session(TransferEnd how);
    [[nodiscard]] std::string passive_address() const;
    [[nodiscard]] bool must_resume();

    const NetSettings& settings_;
    std::unique_ptr<service::RequestClient> agent_;
    DataConnection data_;
    struct BoundPort {
        UniqueFd socket;
        std::uint16_t number;
    };
    std::vector<BoundPort> ports_; // to listen on, bound in advance ...
    io::Timer drop_ports_;         // ... and not for long
    std::uint16_t data_port_ = 0;  // of the client, for active mode; 0: passive
    TransferPlan plan_;            // of the file that is open
    bool transferring_ = false;    // the session waits for the end of one ...
    bool finishing_ = false;       // ... which has come, but for the file's name
    std::unique_ptr<DataTransfer> transfer_;
    std::unique_ptr<DataTransfer> closing_; // all is sent, or it has failed
    io::Deferred drop_closing_;
    std::uint64_t octets_ = 0; // of the transfer that has just ended
    Instant began_{};          // and when it was asked for
    struct Gift {
        std::string path;
        UniqueFd file;
    };
    std::optional<Gift> gift_; // an upload that another account gets
    struct Reading {
        UniqueFd pipe;
        std::unique_ptr<io::Watch> watch;
        std::string text;
    };
    std::optional<Reading> reading_; // STAT path
};

template <class R, class OnAnswer>
void Conn::ask_agent(const R& request, OnAnswer on_answer) {
    agent_->ask(accepted().id, request, [this, on_answer = std::move(on_answer)](auto answer) {
        if (session().closed()) return;
        on_answer(std::move(answer));
        run();
    });
}

} // namespace posada::ftpd
