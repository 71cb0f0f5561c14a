// SPDX-License-Identifier: BSD-2-Clause
// How many sessions a class and each of its accounts have: counted for all launchers of the host together, as the
// limits of addresses are (launch/limits.h).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/service/launch/limits.h"
#include "ftpd/options.h"

namespace posada::ftpd {

class ClassSessions {
  public:
    // path: the shared file, or empty for this process alone.
    static Result<ClassSessions> open(const std::string& path, const std::vector<ClientClass>& classes);

    // A session's place; it is given back when this goes. Movable.
    class Place {
      public:
        Place() = default;
        Place(service::Limits& limits, std::uint32_t slot) : limits_(&limits), slot_(slot) {}
        Place(Place&& other) noexcept : limits_(std::exchange(other.limits_, nullptr)), slot_(other.slot_) {}
        Place& operator=(Place&& other) noexcept {
            std::swap(limits_, other.limits_);
            std::swap(slot_, other.slot_);
            return *this;
        }
        ~Place() {
            if (limits_ != nullptr) limits_->release(slot_);
        }

      private:
        service::Limits* limits_ = nullptr;
        std::uint32_t slot_ = 0;
    };
    // Errc::too_soon: as many as there may be are there. A class without limits is not counted. The Place must not
    // outlive us.
    Result<Place> enter(const ClientClass& its_class, std::string_view account, Instant now);

  private:
    std::map<std::string, service::Limits, std::less<>> limits_; // by class
};

} // namespace posada::ftpd
