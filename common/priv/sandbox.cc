// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/sandbox.h"
#include "common/base/sanitized.h"

#include "common/base/log.h"
#include "common/priv/drop.h"

namespace posada::priv {

namespace {

bool raised = false; // in this process, since its fork

struct ProfileInfo {
    std::string_view name;
    std::string_view meaning;
    bool uses_files; // apply() takes a tree
    LandlockNet net;
    ProcessLimits limits;
};

#ifdef POSADA_SANITIZED
constexpr std::uint64_t no_file =
    ProcessLimits::keep; // a sanitizer's report must reach a standard error that is a file
#else
constexpr std::uint64_t no_file = 0;
#endif
constexpr std::uint64_t keep = ProcessLimits::keep;
constexpr std::uint64_t all_there_are = 1U << 30; // the hard limit

// By the order of SandboxProfile.
constexpr ProfileInfo profiles[sandbox_profile_count] = {
    {"net_zygote",
     "Forks, kills and awaits the processes of connections; no file, no socket but pairs.",
     false,
     LandlockNet::deny,
     {keep, keep, keep}},
    {"net_connection",
     "One client over the descriptors it was given; no file, no socket but pairs, no child.",
     false,
     LandlockNet::deny,
     {connection_fd_limit, no_file, 0}},
    {"net_transfer_zygote",
     "The same for `net_transfer`: what its children may do, it may.",
     false,
     LandlockNet::deny,
     {keep, keep, keep}},
    {"net_transfer",
     "One client over the descriptors it was given, files to write into and sockets to accept on among them; no file "
     "of "
     "its own, no socket but pairs, no child.",
     false,
     LandlockNet::deny,
     {connection_fd_limit, keep, 0}},
    {"net_shared",
     "Many clients over the descriptors it was given; messages into memfds of 256 KiB; no file, no new socket, no "
     "child.",
     false,
     LandlockNet::deny,
     {all_there_are, no_file == 0 ? shared_memfd_limit : keep, 0}},
    {"queue",
     "The files of the spool; accepts on its own unix socket; no network, no child.",
     true,
     LandlockNet::deny,
     {all_there_are, keep, 0}},
    {"relay",
     "TCP connections to other servers; no file, no child.",
     false,
     LandlockNet::connect_only,
     {all_there_are, no_file, 0}},
    {"agent_files",
     "The files of one user, below the trees that are named, as that user; no socket, no child.",
     true,
     LandlockNet::deny,
     {connection_fd_limit, keep, 0}},
    {"signer",
     "Answers requests for signatures with the keys it holds; no file, no socket, no child, no clock.",
     false,
     LandlockNet::deny,
     {signer_fd_limit, no_file, 0}},
};

const ProfileInfo& info_of(SandboxProfile profile) { return profiles[static_cast<unsigned>(profile)]; }

// What Landlock lacks here is logged once, by whoever prepares; every process confined after that would say the same.
void warn_if_weak(const ProfileInfo& info, int abi) {
    const int needed = info.uses_files ? 2 : 1;
    if (abi >= needed) return;
    log(event::sandbox_weak, {{"profile", std::string(info.name)},
                              {"missing", abi == 0 ? "landlock" : "landlock ABI 2 (rename between directories)"}});
}

Status restrict_files(const ProfileInfo& info, std::span<const LandlockRule> tree, const UniqueFd& deny_all) {
    if (tree.empty()) return landlock_restrict_self(deny_all.get());
    const auto ruleset = make_landlock_ruleset(tree, info.net);
    if (!ruleset && ruleset.error().code == Errc::unavailable) return {}; // warned of in prepare_sandbox()
    if (!ruleset) return ruleset.error();
    return landlock_restrict_self(ruleset->get());
}

} // namespace

std::string_view sandbox_profile_name(SandboxProfile profile) { return info_of(profile).name; }

std::string_view sandbox_profile_meaning(SandboxProfile profile) { return info_of(profile).meaning; }

bool sandboxed() noexcept { return raised; }

Result<PreparedSandbox> prepare_sandbox(SandboxProfile profile, SandboxMode mode, int log_fd,
                                        std::optional<SandboxProfile> below) {
    PreparedSandbox out;
    out.prepared_ = true;
    out.profile_ = profile;
    out.mode_ = mode;
    out.log_fd_ = log_fd;
    if (mode == SandboxMode::off) return out;
    prepare_violation_names();
    auto filter = below ? Result<SeccompFilter>(SeccompFilter::build_on_top(profile, mode, *below))
                        : SeccompFilter::build(profile, mode);
    if (!filter) return filter.error();
    out.filter_ = std::move(*filter);
    if (mode == SandboxMode::log) return out;
    const ProfileInfo& info = info_of(profile);
    const int abi = landlock_abi();
    warn_if_weak(info, abi);
    if (abi == 0) return out;
    auto ruleset = make_landlock_ruleset({}, info.net);
    if (!ruleset) return ruleset.error();
    out.ruleset_ = std::move(*ruleset);
    return out;
}

Status PreparedSandbox::apply(std::span<const LandlockRule> tree) {
    if (!prepared_) return Error{Errc::invalid, 0, "a sandbox is prepared before it is applied, and applied once"};
    const ProfileInfo& info = info_of(profile_);
    if (!tree.empty() && !info.uses_files) return Error{Errc::invalid, 0, std::string(info.name) + " has no files"};
    prepared_ = false;
    RETURN_IF_ERROR(harden_process());
    if (mode_ == SandboxMode::off) return {};
    if (mode_ == SandboxMode::enforce) {
        RETURN_IF_ERROR(limit_process(info.limits));
        if (ruleset_.valid()) RETURN_IF_ERROR(restrict_files(info, tree, ruleset_));
        RETURN_IF_ERROR(install_violation_handler(log_fd_, profile_));
    }
    ruleset_.reset();
    RETURN_IF_ERROR(filter_.install());
    raised = true;
    return {};
}

} // namespace posada::priv

#ifdef POSADA_SANITIZED
// The leak checker at exit clones and traces: in a sandboxed process both are forbidden, so it does not run there.
extern "C" int __lsan_is_turned_off() { return posada::priv::sandboxed() ? 1 : 0; }
#endif
