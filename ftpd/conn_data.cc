// SPDX-License-Identifier: BSD-2-Clause
// Conn's data connections and what goes over them.
#include <algorithm>

#include "ftpd/conn.h"
#include "ftpd/requests.h"

namespace posada::ftpd {

namespace {
constexpr unsigned listen_attempts = 8;
constexpr Millis ports_kept{1'000}; // without a transfer
} // namespace

namespace {

// Zeros mean whoever says them, who may not know better: lftp has them in its EPRT over IPv6.
bool names_client(const io::Address& named, const io::Address& client) {
    const std::string_view bytes = named.bytes();
    return bytes == client.bytes() || bytes == std::string(client.bytes().size(), '\0');
}

} // namespace

std::string Conn::passive_address() const {
    for (const PassiveRule& rule : settings_.policy.passive)
        if (io::contains(rule.clients, accepted().peer)) return rule.address;
    return accepted().local.ip();
}

bool Conn::must_resume() {
    const Policy& policy = settings_.policy;
    const auto& users = policy.tls_reuse_exempt_users;
    return policy.tls_session_reuse && !io::contains(policy.tls_reuse_exempt, accepted().peer) &&
           std::find(users.begin(), users.end(), session().account()) == users.end();
}

void Conn::act(const ListenForData&) {
    data_port_ = 0;
    listen(listen_attempts);
}

// Somebody else may listen on a port that was free when it was bound: then another one.
void Conn::listen(unsigned attempts) {
    while (!ports_.empty()) {
        BoundPort port = std::move(ports_.back());
        ports_.pop_back();
        if (!data_.listen(std::move(port.socket))) continue;
        drop_ports_.start(ports_kept);
        return session().listening(port.number);
    }
    data_.reset();
    if (attempts == 0) return session().listen_failed();
    ask_ports(attempts - 1);
}

// A client that listened a moment ago is likely to do so again: it gets some in advance.
void Conn::ask_ports(unsigned attempts) {
    const std::uint8_t count = drop_ports_.running() ? most_data_ports : 1;
    monitor().ask(accepted().id, DataListen{count}, [this, attempts](auto answer) {
        if (session().closed()) return;
        if (!answer || answer->fds.empty() || answer->fds.size() != answer->body.ports.size()) {
            session().listen_failed();
        } else {
            for (std::size_t i = 0; i < answer->fds.size(); ++i)
                ports_.push_back({std::move(answer->fds[i]), answer->body.ports[i]});
            listen(attempts);
        }
        run();
    });
}

void Conn::act(const UseDataPort& to) {
    const auto address = io::Address::parse(to.ip, to.port);
    if (!address || !names_client(*address, accepted().peer)) return session().port_refused();
    data_.reset();
    data_port_ = to.port;
    session().port_taken();
}

void Conn::act(const DropData&) {
    data_.reset();
    data_port_ = 0;
}

void Conn::act(const Transfer& transfer) {
    transferring_ = true;
    began_ = context().loop.clock().now();
    set_deadline(Millis(0));
    plan_.ascii = transfer.ascii;
    plan_.patience = settings_.policy.data_timeout;
    const ClientClass& its_class = class_of(settings_.policy, session().account(), accepted().peer);
    if (plan_.what == TransferPlan::What::send_file) plan_.rate = its_class.download_rate;
    if (plan_.what == TransferPlan::What::receive) plan_.rate = its_class.upload_rate;
    plan_.must_resume = transfer.tls && must_resume();
    if (transfer.tls)
        plan_.start_tls = [this](io::Stream& stream, std::function<void()> refused) {
            start_tls_beside(stream, plan_.must_resume ? std::move(refused) : std::function<void()>());
        };
    data_.take(settings_.policy.data_connect_timeout, [this](Result<UniqueFd> socket) {
        if (!socket) return transfer_over(TransferEnd::no_connection);
        start_transfer(std::move(*socket));
    });
    if (data_port_ != 0) connect_to_client();
}

void Conn::connect_to_client() {
    monitor().ask(accepted().id, DataConnect{std::exchange(data_port_, 0)}, [this](auto answer) {
        if (!transferring_ || transfer_) return;
        if (!answer || answer->fds.size() != 1) return transfer_over(TransferEnd::no_connection);
        data_.connecting(std::move(answer->fds.front()));
    });
}

void Conn::start_transfer(UniqueFd socket) {
    closing_.reset();
    const DataTransfer::Handler handler{
        [this](TransferEnd how) { transfer_over(how); },
        [this] { drop_closing_.schedule(); },
    };
    transfer_ = std::make_unique<DataTransfer>(context().loop, std::move(socket), std::move(plan_), handler);
}

void Conn::act(const AbortTransfer&) {
    if (transferring_) transfer_over(TransferEnd::aborted);
}

void Conn::act(const TellProgress&) { session().progress(transfer_ ? transfer_->octets() : 0); }

// 226 is said when the agent has closed the file and given it its name, not before.
void Conn::transfer_over(TransferEnd how) {
    if (std::exchange(finishing_, true)) return;
    const bool received = plan_.what == TransferPlan::What::receive;
    octets_ = transfer_ ? transfer_->octets() : 0;
    data_.reset();
    plan_.file.reset();
    closing_ = std::move(transfer_); // it may be calling us
    if (how != TransferEnd::complete) drop_closing_.schedule();
    if (!received) return tell_session(how);
    if (how != TransferEnd::complete || !gift_) return finish_upload(how);
    const int file = gift_->file.get();
    const auto given = [this](const auto& answer) {
        if (transferring_) finish_upload(answer ? TransferEnd::complete : TransferEnd::unwritable);
    };
    monitor().ask(accepted().id, GiveUpload{gift_->path}, given, {&file, 1});
}

void Conn::finish_upload(TransferEnd how) {
    gift_.reset();
    ask_agent(FinishRequest{how == TransferEnd::complete}, [this, how](const auto& finished) {
        if (!transferring_) return;
        const bool full = !finished && finished.error().code == Errc::no_space;
        const TransferEnd why = full ? TransferEnd::no_space : TransferEnd::unwritable;
        tell_session(finished || how != TransferEnd::complete ? how : why);
    });
}

void Conn::tell_session(TransferEnd how) {
    if (!std::exchange(transferring_, false)) return;
    finishing_ = false;
    session().transfer_ended(how, octets_);
    run();
}

} // namespace posada::ftpd
