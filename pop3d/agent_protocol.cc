// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/agent_protocol.h"

#include "common/base/bytes.h"

namespace posada::pop3d {

namespace {
constexpr std::size_t batch_octets = priv::max_payload - 64; // leaves room for the verdict and the count
}

std::string encode(const MailboxSummary& summary) {
    Writer out;
    out.u32(summary.messages);
    out.u32(summary.uidvalidity);
    out.u64(summary.hidden);
    return out.take();
}

Result<MailboxSummary> decode_mailbox_summary(std::string_view body) {
    Reader in(body);
    MailboxSummary out;
    out.messages = in.u32();
    out.uidvalidity = in.u32();
    out.hidden = in.u64();
    RETURN_IF_ERROR(in.finish());
    return out;
}

std::string encode_number(std::uint32_t number) {
    Writer out;
    out.u32(number);
    return out.take();
}

Result<std::uint32_t> decode_number(std::string_view payload) {
    Reader in(payload);
    const std::uint32_t number = in.u32();
    RETURN_IF_ERROR(in.finish());
    return number;
}

std::string encode_numbers(std::span<const std::uint32_t> numbers) {
    Writer out;
    out.u32(static_cast<std::uint32_t>(numbers.size()));
    for (const std::uint32_t n : numbers) out.u32(n);
    return out.take();
}

Result<std::vector<std::uint32_t>> decode_numbers(std::string_view payload) {
    Reader in(payload);
    const std::uint32_t count = in.u32();
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) out.push_back(in.u32());
    RETURN_IF_ERROR(in.finish());
    return out;
}

std::string encode(const FetchRange& range) {
    Writer out;
    out.u32(range.first);
    out.u32(range.count);
    return out.take();
}

Result<FetchRange> decode_fetch_range(std::string_view payload) {
    Reader in(payload);
    FetchRange out;
    out.first = in.u32();
    out.count = in.u32();
    RETURN_IF_ERROR(in.finish());
    return out;
}

std::string encode_sizes(std::span<const std::uint64_t> sizes) {
    Writer out;
    for (const std::uint64_t size : sizes) out.u64(size);
    return out.take();
}

Result<std::vector<std::uint64_t>> decode_sizes(std::string_view body) {
    Reader in(body);
    std::vector<std::uint64_t> out;
    for (std::size_t left = body.size() / sizeof(std::uint64_t); left != 0; --left) out.push_back(in.u64());
    RETURN_IF_ERROR(in.finish());
    return out;
}

bool ListBatch::add(std::uint64_t octets, std::uint32_t uid, std::string_view own_uidl) {
    Writer entry;
    entry.u64(octets);
    entry.u32(uid);
    Writer text;
    text.u32(count_);
    text.str(own_uidl);
    if (entries_.size() + entry.bytes().size() + texts_.size() + text.bytes().size() > batch_octets) return false;
    entries_.append(entry.bytes());
    ++count_;
    if (own_uidl.empty()) return true;
    texts_.append(text.bytes());
    ++text_count_;
    return true;
}

std::string ListBatch::take() {
    return encode_number(count_) + encode_number(text_count_) + std::move(entries_) + std::move(texts_);
}

Result<std::vector<ListedMessage>> decode_list_batch(std::string_view body) {
    Reader in(body);
    const std::uint32_t count = in.u32();
    const std::uint32_t texts = in.u32();
    std::vector<ListedMessage> out;
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const std::uint64_t octets = in.u64();
        out.push_back({octets, in.u32(), {}});
    }
    for (std::uint32_t i = 0; i < texts && !in.failed(); ++i) {
        const std::uint32_t index = in.u32();
        const std::string_view text = in.str();
        if (index >= out.size()) return Error{Errc::protocol, 0, "a unique id of no message"};
        out[index].uidl = text;
    }
    RETURN_IF_ERROR(in.finish());
    return out;
}

} // namespace posada::pop3d
