// SPDX-License-Identifier: BSD-2-Clause
#include "supervisor/child.h"

#include <algorithm>
#include <array>

namespace posada::supervisor {

namespace {

using enum State;
using A = Action;

using Row = std::array<Transition, event_count>;
// clang-format off
constexpr std::array<Row, state_count> table{{
    //             enable                disable                     reload                  restart                     ready                exited                  exited_config           timer
    /* down       */ Row{{{starting, A::spawn}, {down, A::none},          {down, A::none},        {down, A::none},            {down, A::none},       {down, A::none},        {down, A::none},        {down, A::none}}},
    /* starting   */ Row{{{starting, A::none},  {stopping, A::terminate}, {restarting, A::terminate}, {restarting, A::terminate}, {up, A::note_ready}, {backoff, A::wait},     {blocked, A::settle},   {failing, A::terminate}}},
    /* up         */ Row{{{up, A::none},        {stopping, A::terminate}, {up, A::hang_up},       {restarting, A::terminate}, {up, A::none},         {backoff, A::wait},     {blocked, A::settle},   {up, A::forget_past}}},
    /* stopping   */ Row{{{restarting, A::none},{stopping, A::none},      {stopping, A::none},    {stopping, A::none},        {stopping, A::none},   {down, A::settle},      {down, A::settle},      {stopping, A::kill}}},
    /* restarting */ Row{{{restarting, A::none},{stopping, A::none},      {restarting, A::none},  {restarting, A::none},      {restarting, A::none}, {starting, A::spawn},   {starting, A::spawn},   {restarting, A::kill}}},
    /* failing    */ Row{{{failing, A::none},   {stopping, A::none},      {restarting, A::none},  {restarting, A::none},      {failing, A::none},    {backoff, A::wait},     {blocked, A::settle},   {failing, A::kill}}},
    /* backoff    */ Row{{{backoff, A::none},   {down, A::settle},        {starting, A::spawn},   {starting, A::spawn},       {backoff, A::none},    {backoff, A::none},     {backoff, A::none},     {starting, A::spawn}}},
    /* blocked    */ Row{{{blocked, A::none},   {down, A::settle},        {starting, A::spawn},   {starting, A::spawn},       {blocked, A::none},    {blocked, A::none},     {blocked, A::none},     {blocked, A::none}}},
}};
// clang-format on

constexpr std::array<std::string_view, state_count> names{"down",       "starting", "up",      "stopping",
                                                          "restarting", "failing",  "backoff", "blocked"};

} // namespace

Transition transition(State state, Event event) noexcept {
    return table[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

std::string_view state_name(State state) noexcept { return names[static_cast<std::size_t>(state)]; }

Millis Backoff::next() noexcept {
    const Millis now = current_;
    current_ = std::min(current_ * 2, longest);
    return now;
}

} // namespace posada::supervisor
