// SPDX-License-Identifier: BSD-2-Clause
// The binary dump: what a schema's rows say, in their order.
#include "common/service/config/schema.h"

#include "common/base/hash.h"
#include "common/base/text.h"

namespace posada::service {

namespace {

constexpr std::size_t longest_list = 10'000;

std::uint64_t hash_rows(const Schema& schema, std::uint64_t hash) {
    for (const OptionRow& row : schema.rows) {
        hash = fnv1a(row.key, hash);
        hash = fnv1a(std::string(1, static_cast<char>(row.type)), hash);
        for (const std::string_view word : row.words) hash = fnv1a(word, hash);
        if (row.inner != nullptr) hash = hash_rows(*row.inner, hash);
        hash = fnv1a(";", hash);
    }
    return hash;
}

struct Encoder {
    Writer& out;
    void operator()(bool v) const { out.boolean(v); }
    void operator()(std::uint64_t v) const { out.u64(v); }
    void operator()(const std::string& v) const { out.blob(v); }
    void operator()(const std::vector<std::string>& v) const {
        out.u32(static_cast<std::uint32_t>(v.size()));
        for (const std::string& s : v) out.blob(s);
    }
    void operator()(const std::vector<std::uint64_t>& v) const {
        out.u32(static_cast<std::uint32_t>(v.size()));
        for (const std::uint64_t n : v) out.u64(n);
    }
};

// element() hands out a mutable object for reading too; only decode and the parser write through it.
void* mutable_options(const void* options) { return const_cast<void*>(options); }

void encode_rows(const Schema& schema, const void* options, Writer& out) {
    for (const OptionRow& row : schema.rows) {
        if (row.inner == nullptr) {
            std::visit(Encoder{out}, row.get(options));
            continue;
        }
        const std::size_t count = row.count(options);
        out.u32(static_cast<std::uint32_t>(count));
        for (std::size_t i = 0; i < count; ++i) encode_rows(*row.inner, row.element(mutable_options(options), i), out);
    }
}

template <class T, class Next>
std::vector<T> read_list(Reader& in, Next next) {
    std::vector<T> out;
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && i <= longest_list && !in.failed(); ++i) out.emplace_back(next());
    return out;
}

OptionValue read_value(OptionType type, Reader& in) {
    switch (type) {
    case OptionType::boolean: return in.boolean();
    case OptionType::integer:
    case OptionType::duration:
    case OptionType::size:
    case OptionType::choice: return in.u64();
    case OptionType::text:
    case OptionType::path: return std::string(in.blob());
    case OptionType::text_list:
    case OptionType::network_list:
    case OptionType::address_list: return read_list<std::string>(in, [&] { return in.blob(); });
    case OptionType::duration_list:
    case OptionType::range: return read_list<std::uint64_t>(in, [&] { return in.u64(); });
    case OptionType::group:
    case OptionType::tables: break;
    }
    return false;
}

Status malformed(std::string_view key, std::string_view why) {
    return Error{Errc::protocol, 0, std::string("options: ").append(key).append(" ").append(why)};
}

Status decode_rows(const Schema& schema, Reader& in, void* options);

Status decode_inner(const OptionRow& row, Reader& in, void* options) {
    const std::uint32_t count = in.u32();
    if (in.failed() || (row.type == OptionType::group ? count != 1 : count > row.max))
        return malformed(row.key, "has an impossible number of tables");
    row.clear(options);
    for (std::uint32_t i = 0; i < count; ++i) RETURN_IF_ERROR(decode_rows(*row.inner, in, row.element(options, i)));
    return {};
}

Status decode_rows(const Schema& schema, Reader& in, void* options) {
    for (const OptionRow& row : schema.rows) {
        if (row.inner != nullptr) {
            RETURN_IF_ERROR(decode_inner(row, in, options));
            continue;
        }
        const OptionValue value = read_value(row.type, in);
        if (in.failed()) return malformed(row.key, "is cut short");
        if (Status ok = check_value(row, value); !ok) return malformed(row.key, ok.error().text);
        row.set(options, value);
    }
    return {};
}

} // namespace

std::uint64_t schema_hash(const Schema& schema) { return hash_rows(schema, fnv1a_start); }

void encode_options(const Schema& schema, const void* options, Writer& out) {
    out.u64(schema_hash(schema));
    encode_rows(schema, options, out);
}

Status decode_options(const Schema& schema, Reader& in, void* options) {
    if (in.u64() != schema_hash(schema)) return Error{Errc::protocol, 0, "options of another version"};
    return decode_rows(schema, in, options);
}

namespace detail {

std::vector<std::string> network_texts(const std::vector<io::Network>& networks) {
    std::vector<std::string> out;
    for (const io::Network& network : networks) out.push_back(network.text());
    return out;
}

std::vector<io::Network> networks_of(const std::vector<std::string>& texts) {
    std::vector<io::Network> out;
    for (const std::string& text : texts)
        if (auto network = io::Network::parse(text)) out.push_back(std::move(network).value());
    return out;
}

std::vector<std::uint64_t> millis_counts(const std::vector<Millis>& values) {
    std::vector<std::uint64_t> out;
    for (const Millis value : values) out.push_back(static_cast<std::uint64_t>(value.count()));
    return out;
}

std::vector<Millis> millis_of(const std::vector<std::uint64_t>& counts) {
    std::vector<Millis> out;
    for (const std::uint64_t count : counts) out.emplace_back(static_cast<std::int64_t>(count));
    return out;
}

} // namespace detail

} // namespace posada::service
