// SPDX-License-Identifier: BSD-2-Clause
// A pure FTP session with everything behind it faked: one account, a tree in memory, data connections that carry what
// the dialog says. What conn, monitor and agent would do to an effect happens at once; an upload ends when the dialog
// says so. The files are those of tests/dialog/player.py.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/virtual_path.h"
#include "ftpd/session.h"
#include "tests/support/dialog.h"

namespace posada::ftpd::testing {

inline Policy test_policy() {
    Policy policy;
    policy.hostname = "mail.micasa.test";
    return policy;
}

class PureServer : public test::DialogServer {
  public:
    explicit PureServer(bool plaintext_auth) : policy_(test_policy()), session_(policy_) {
        session_.set_peer(
            {.tls_available = true, .plaintext_auth = plaintext_auth, .ip = "192.0.2.7", .passive_ip = "192.0.2.1"});
    }

    void greet(bool implicit_tls) {
        if (implicit_tls) session_.tls_started();
        session_.greet();
        perform();
    }
    void receive(std::string_view bytes) override {
        input_.append(bytes);
        run();
    }
    void start_tls() override {
        session_.tls_started();
        run();
    }
    void receive_data(std::string_view bytes) override { received_ += bytes; }
    void end_data() override {
        if (!storing_) return;
        File& file = tree_[*storing_];
        storing_.reset();
        if (ascii_) std::erase(received_, '\r');
        file.size = (appends_ ? file.size : 0) + received_.size();
        session_.transfer_ended(TransferEnd::complete, received_.size());
        received_.clear();
        run();
    }
    std::string take_output() override { return std::exchange(output_, {}); }
    [[nodiscard]] bool closed() const override { return session_.closed(); }

  private:
    struct File {
        bool directory = false;
        std::uint64_t size = 0;
        UnixTime modified = 1'700'000'000;
    };
    void run() {
        perform();
        for (std::size_t used = 1; used != 0 && !session_.waiting();) {
            used = session_.consume(input_);
            input_.erase(0, used);
            perform();
        }
    }
    void perform() {
        for (auto effects = session_.take_effects(); !effects.empty(); effects = session_.take_effects())
            for (Effect& effect : effects) std::visit([this](auto& e) { act(e); }, effect);
    }
    const File* find(const std::string& path) const {
        const auto found = tree_.find(path);
        return found == tree_.end() ? nullptr : &found->second;
    }

    void act(SendReply& reply) { output_ += reply.bytes; }
    void act(StartTls&) {}
    void act(CheckPassword& check) {
        if (check.user == "daniel" && check.password.view() == "hungry") return session_.login_accepted("daniel");
        session_.login_refused(++refusals_ == 3 ? LoginRefusal::last_attempt : LoginRefusal::denied);
    }
    void act(AnonymousCheck&) { session_.login_refused(LoginRefusal::denied); }
    void act(NoteTransfer&) {}
    void act(EnterDirectory& enter) {
        const File* there = find(enter.path);
        there != nullptr && there->directory ? session_.entered(enter.path, "") : session_.refused(Errc::not_found);
    }
    void act(Look& look) {
        const File* there = find(look.path);
        if (there == nullptr) return session_.refused(Errc::not_found);
        session_.looked({!there->directory, there->size, there->modified, "type=file; " + look.path});
    }
    void act(ChangeFiles& change) {
        const bool makes = change.change == Change::make_directory;
        if (makes == (find(change.path) != nullptr)) return session_.refused(makes ? Errc::exists : Errc::not_found);
        if (makes) tree_[change.path] = {true};
        if (change.change == Change::rename) tree_[change.to] = tree_[change.path];
        if (change.change == Change::set_time) tree_[change.path].modified = change.value;
        const bool goes = change.change == Change::rename || change.change == Change::remove_file ||
                          change.change == Change::remove_directory;
        if (goes) tree_.erase(change.path);
        session_.changed();
    }
    void act(AskRoom&) { session_.changed(); }
    void act(OpenFile& open) {
        octets_ = 0;
        if (open.how == Opening::retrieve) {
            const File* there = find(open.path);
            if (there == nullptr) return session_.refused(Errc::not_found);
            octets_ = there->size - open.offset;
            return session_.file_opened({there->size});
        }
        storing_ = open.path;
        appends_ = open.how == Opening::append;
        session_.file_opened({});
    }
    void act(OpenListing&) {
        octets_ = 100;
        session_.file_opened({});
    }
    void act(ReadListing&) { session_.text_read("-rw-r--r-- 1 daniel 100 9 Nov 24 02:00 hola.txt\r\n", false); }
    void act(ListenForData&) { session_.listening(51210); }
    void act(UseDataPort& to) { to.ip == "192.0.2.7" ? session_.port_taken() : session_.port_refused(); }
    void act(DropData&) {}
    void act(Transfer& transfer) {
        ascii_ = transfer.ascii;
        if (!storing_) session_.transfer_ended(TransferEnd::complete, octets_);
    }
    void act(AbortTransfer&) { session_.transfer_ended(TransferEnd::aborted, 0); }
    void act(TellProgress&) { session_.progress(0); }
    void act(LogNote&) {}
    void act(Close&) {}

    Policy policy_;
    Session session_;
    std::string input_;
    std::string output_;
    std::map<std::string, File> tree_{{"/", {true}},
                                      {"/hola.txt", {false, 9}},
                                      {"/.oculto", {false, 1}},
                                      {"/tesis", {true}},
                                      {"/tesis/todasfases.fig", {false, 4187}}};
    unsigned refusals_ = 0;
    std::uint64_t octets_ = 0;
    std::optional<std::string> storing_;
    bool appends_ = false;
    bool ascii_ = false;
    std::string received_;
};

} // namespace posada::ftpd::testing
