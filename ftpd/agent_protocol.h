// SPDX-License-Identifier: BSD-2-Clause
// What the net process may ask of the agent of the user who logged in. A path starts with "/", the top of what this
// user may see, and holds no "..": the agent looks below a descriptor of that top and nowhere else. What is in a file
// passes the agent in a descriptor only.
#pragma once

#include <cstdint>
#include <string>

#include "common/priv/request_list.h"
#include "ftpd/file_terms.h"

namespace posada::ftpd {

struct Entered {
    std::string message; // of the directory's .message file
    FIELDS(message)
};
struct EnterRequest {
    std::string path;
    FIELDS(path)
    using Answer = Entered;
    static constexpr priv::RequestInfo row{.type = 2,
                                           .name = "enter",
                                           .max_bytes = path_octets,
                                           .meaning = "Whether there is such a directory, and what its .message says."};
};

struct LookAnswer {
    bool plain_file = false;
    std::uint64_t size = 0;
    std::int64_t modified = 0;
    std::string line; // the facts that were asked for
    FIELDS(plain_file, size, modified, line)
};
struct LookRequest {
    std::string path;
    std::uint8_t facts = 0;
    FIELDS(path, facts)
    using Answer = LookAnswer;
    static constexpr priv::RequestInfo row{
        .type = 4, .name = "look", .max_bytes = path_octets + 1, .meaning = "Size, time and facts of a file."};
};

struct ChangeRequest {
    Change change = Change::make_directory;
    std::string path;
    std::string to;
    std::int64_t value = 0;
    FIELDS(change, path, to, value)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = 6,
        .name = "change",
        .max_bytes = 1 + 2 * path_octets + 8,
        .meaning = "Makes or removes a directory, removes or renames a file, sets its mode or time."};
};

struct RoomRequest {
    std::uint64_t octets = 0;
    FIELDS(octets)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = 8, .name = "room", .meaning = "Whether the file system has room for so many octets."};
};

struct ReadAnswer {
    std::uint64_t size = 0;
    FIELDS(size)
};
struct ReadRequest {
    std::string path;
    FIELDS(path)
    using Answer = ReadAnswer;
    static constexpr priv::RequestInfo row{
        .type = 10, .name = "read", .max_bytes = path_octets, .fds_out = 1, .meaning = "Opens a plain file to read."};
};

struct WriteAnswer {
    std::string name;         // of a file that got a new one
    std::uint64_t offset = 0; // where the bytes go
    std::uint64_t room = 0;   // octets that may come, by the quota
    FIELDS(name, offset, room)
};
struct WriteRequest {
    Opening how = Opening::store;
    std::string path;
    std::uint64_t offset = 0;
    std::uint32_t mode = 0;
    FIELDS(how, path, offset, mode)
    using Answer = WriteAnswer;
    static constexpr priv::RequestInfo row{
        .type = 12,
        .name = "write",
        .max_bytes = 1 + path_octets + 12,
        .fds_out = 1,
        .meaning = "Opens a file to write: one that gets its name when it is whole, or one that is there already."};
};
struct FinishRequest {
    bool complete = false;
    FIELDS(complete)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = 14,
        .name = "finish",
        .meaning = "The file being written is whole, and gets its name; or it broke off, and is kept or removed."};
};

struct ListRequest {
    Form form = Form::list;
    std::string path;
    std::string typed;
    bool all = false;
    std::uint8_t facts = 0;
    FIELDS(form, path, typed, all, facts)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{.type = 16,
                                           .name = "list",
                                           .max_bytes = 3 + 2 * path_octets,
                                           .fds_out = 1,
                                           .meaning = "A pipe out of which a listing comes."};
};

using AgentRequests = priv::Requests<EnterRequest, LookRequest, ChangeRequest, RoomRequest, ReadRequest, WriteRequest,
                                     FinishRequest, ListRequest>;

} // namespace posada::ftpd
