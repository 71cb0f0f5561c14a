// SPDX-License-Identifier: BSD-2-Clause
// `posada status` and `posada reload`. The one file of ctl that reads JSON; parsing never throws.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "ctl/command.h"
#include "ctl/control_client.h"

namespace posada::ctl {

namespace {

using nlohmann::json;

int complain(std::string_view command, const Error& error) {
    std::fprintf(stderr, "posada %.*s: %s\n", static_cast<int>(command.size()), command.data(),
                 error.describe().c_str());
    return error.code == Errc::invalid ? exit_usage : exit_failed;
}

std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : -1;
}

// What an administrator wants to know about a service that is not up.
std::string remark(const json& service) {
    std::string out;
    if (number_of(service, "next_try_seconds") >= 0)
        out = "next try in " + age(number_of(service, "next_try_seconds")) + "; ";
    if (!text_of(service, "last_exit").empty()) out += "last exit: " + text_of(service, "last_exit") + "; ";
    if (out.size() > 2) out.resize(out.size() - 2);
    for (const char* key : {"problem", "says"})
        if (!text_of(service, key).empty()) out += "\n" + text_of(service, key);
    return out;
}

void print_service(const json& service) {
    const std::int64_t pid = number_of(service, "pid");
    std::printf("%-11s %-10s %8s %8s %8lld  %s\n", text_of(service, "name").c_str(), text_of(service, "state").c_str(),
                pid > 0 ? std::to_string(pid).c_str() : "-", age(number_of(service, "seconds")).c_str(),
                static_cast<long long>(number_of(service, "restarts")), remark(service).c_str());
    const auto listen = service.find("listen");
    if (listen == service.end()) return;
    for (const json& at : *listen)
        if (at.is_string()) std::printf("%-11s   %s\n", "", at.get<std::string>().c_str());
}

// Returns false if anything that should run does not.
bool print_status(const json& status) {
    std::printf("posadad %s, pid %lld\nisolation: %s\n\n", text_of(status, "version").c_str(),
                static_cast<long long>(number_of(status, "pid")), text_of(status, "isolation").c_str());
    std::printf("%-11s %-10s %8s %8s %8s\n", "service", "state", "pid", "since", "restarts");
    bool fine = true;
    const auto services = status.find("services");
    if (services == status.end()) return false;
    for (const json& service : *services) {
        print_service(service);
        const std::string state = text_of(service, "state");
        if (state == "backoff" || state == "blocked" || state == "failing") fine = false;
    }
    return fine;
}

Result<json> ask(const ControlArguments& arguments, std::string_view command, std::string& raw) {
    const auto path = control_path(arguments);
    if (!path) return path.error();
    auto answer = ask_control(*path, command);
    if (!answer) return answer.error();
    raw = std::move(*answer);
    json parsed = json::parse(raw, nullptr, false);
    if (!parsed.is_object()) return Error{Errc::protocol, 0, "posadad's answer is not JSON"};
    return parsed;
}

} // namespace

std::string age(std::int64_t seconds) {
    if (seconds >= 86'400)
        return std::to_string(seconds / 86'400) + "d" + std::to_string(seconds % 86'400 / 3'600) + "h";
    if (seconds >= 3'600) return std::to_string(seconds / 3'600) + "h" + std::to_string(seconds % 3'600 / 60) + "m";
    if (seconds >= 60) return std::to_string(seconds / 60) + "m" + std::to_string(seconds % 60) + "s";
    return std::to_string(seconds) + "s";
}

int status_command(std::span<const std::string_view> args) {
    const auto arguments = parse_control_arguments(args);
    if (!arguments) return complain("status", arguments.error());
    std::string raw;
    const auto status = ask(*arguments, "status", raw);
    if (!status) return complain("status", status.error());
    if (arguments->json) return std::puts(raw.c_str()), 0;
    return print_status(*status) ? 0 : exit_failed;
}

int reload_command(std::span<const std::string_view> args) {
    const auto arguments = parse_control_arguments(args);
    if (!arguments) return complain("reload", arguments.error());
    std::string raw;
    const auto result = ask(*arguments, "reload", raw);
    if (!result) return complain("reload", result.error());
    const auto verdict = result->find("ok");
    const bool ok = verdict != result->end() && verdict->is_boolean() && verdict->get<bool>();
    std::fprintf(ok ? stdout : stderr, "%s\n", arguments->json ? raw.c_str() : text_of(*result, "text").c_str());
    return ok ? 0 : exit_config;
}

} // namespace posada::ctl
