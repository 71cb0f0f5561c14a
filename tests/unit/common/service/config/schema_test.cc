// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/config/schema.h"

#include <gtest/gtest.h>

#include "common/service/config/options.h"

namespace posada::service {
namespace {

enum class Colour : std::uint8_t { red, green, blue };
constexpr std::string_view colour_words[] = {"red", "green", "blue"};
constexpr std::string_view pet_words[] = {"cat", "dog"};

struct Inner {
    std::uint16_t port = 25;
    std::string name;
};
constexpr OptionRow inner_rows[] = {
    integer<&Inner::port>("port", 1, 65'535, "A port."),
    text<&Inner::name>("name", "A name."),
};
constexpr Schema inner_schema{inner_rows};

// One member of every type.
struct Everything {
    bool flag = false;
    std::uint32_t number = 7;
    Millis wait{90'000};
    std::uint64_t octets = 25ULL << 20;
    std::string words = "hello";
    std::string file = "/etc/x";
    Colour colour = Colour::green;
    std::vector<std::string> pets{"cat"};
    std::vector<io::Network> networks;
    std::vector<std::string> addresses{"127.0.0.1"};
    std::vector<Millis> steps{Millis(1'000), Millis(60'000)};
    NumberRange uids{70'000, 99'999};
    Inner inner;
    std::vector<Inner> inners;
};
constexpr OptionRow rows[] = {
    boolean<&Everything::flag>("flag", "A flag."),
    integer<&Everything::number>("number", 1, 100, "A number."),
    duration<&Everything::wait>("wait", Seconds(1), Seconds(3'600), "A wait."),
    size<&Everything::octets>("octets", 1'024, 1ULL << 30, "A size."),
    text<&Everything::words>("words", "A text."),
    path<&Everything::file>("file", "A path."),
    choice<&Everything::colour>("colour", colour_words, "A choice."),
    text_list<&Everything::pets>("pets", "A list.", pet_words),
    network_list<&Everything::networks>("networks", "Networks."),
    address_list<&Everything::addresses>("addresses", "Addresses."),
    duration_list<&Everything::steps>("steps", "Steps."),
    range<&Everything::uids>("uids", 1'000, 100'000, "A range."),
    group<&Everything::inner>("inner", inner_schema, "A group."),
    tables<&Everything::inners>("inners", inner_schema, "Tables."),
};
constexpr Schema schema{rows};

const OptionRow& row(std::string_view key) {
    for (const OptionRow& r : rows)
        if (r.key == key) return r;
    std::abort();
}

std::string dump(const Everything& e) {
    Writer out;
    encode_options(schema, &e, out);
    return out.take();
}

Everything unusual() {
    Everything e;
    e.flag = true;
    e.number = 99;
    e.wait = Millis(1'500);
    e.octets = 4'096;
    e.words = "with \"quotes\" and \xC3\xB1";
    e.file = "/tmp/a b";
    e.colour = Colour::blue;
    e.pets = {"dog", "cat", "dog"};
    e.networks = {*io::Network::parse("10.0.0.0/8"), *io::Network::parse("::1")};
    e.addresses = {"*"};
    e.steps = {Millis(5)};
    e.uids = {2'000, 3'000};
    e.inner = {587, "in"};
    e.inners = {{1, "a"}, {2, ""}};
    return e;
}

TEST(Schema, dump_and_decode_keep_a_value_of_every_type) {
    const Everything before = unusual();
    const std::string bytes = dump(before);
    Reader in(bytes);
    Everything after;
    ASSERT_TRUE(decode_options(schema, in, &after));
    ASSERT_TRUE(in.finish());
    EXPECT_EQ(dump(after), bytes);
    EXPECT_TRUE(after.flag);
    EXPECT_EQ(after.number, 99U);
    EXPECT_EQ(after.wait, Millis(1'500));
    EXPECT_EQ(after.octets, 4'096U);
    EXPECT_EQ(after.words, before.words);
    EXPECT_EQ(after.file, "/tmp/a b");
    EXPECT_EQ(after.colour, Colour::blue);
    EXPECT_EQ(after.pets, before.pets);
    ASSERT_EQ(after.networks.size(), 2U);
    EXPECT_EQ(after.networks[0].text(), "10.0.0.0/8");
    EXPECT_EQ(after.addresses, before.addresses);
    EXPECT_EQ(after.steps, before.steps);
    EXPECT_EQ(after.uids.first, 2'000U);
    EXPECT_EQ(after.uids.last, 3'000U);
    EXPECT_EQ(after.inner.port, 587);
    ASSERT_EQ(after.inners.size(), 2U);
    EXPECT_EQ(after.inners[0].name, "a");
    EXPECT_EQ(after.inners[1].port, 2);
}

TEST(Schema, decoding_replaces_lists_that_are_already_there) {
    const std::string bytes = dump(Everything{});
    Reader in(bytes);
    Everything after = unusual();
    ASSERT_TRUE(decode_options(schema, in, &after));
    EXPECT_TRUE(after.inners.empty());
    EXPECT_TRUE(after.networks.empty());
}

TEST(Schema, a_dump_cut_short_anywhere_is_an_error) {
    const std::string bytes = dump(unusual());
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        Reader in(std::string_view(bytes).substr(0, n));
        Everything after;
        EXPECT_FALSE(decode_options(schema, in, &after)) << n;
    }
}

TEST(Schema, a_dump_with_any_octet_changed_is_refused_or_within_the_rows_limits) {
    const std::string bytes = dump(unusual());
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        std::string changed = bytes;
        changed[n] = static_cast<char>(changed[n] ^ 0x80);
        Reader in(changed);
        Everything after;
        if (!decode_options(schema, in, &after)) continue;
        EXPECT_LE(after.number, 100U);
        EXPECT_LE(static_cast<int>(after.colour), 2);
        EXPECT_LE(after.wait, Seconds(3'600));
    }
}

TEST(Schema, a_value_outside_its_row_is_refused_by_the_decoder) {
    Everything e;
    e.number = 101;
    const std::string bytes = dump(e);
    Reader in(bytes);
    const Status decoded = decode_options(schema, in, &e);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::protocol);
    EXPECT_EQ(decoded.error().text, "options: number must be from 1 to 100, not 101");
}

TEST(Schema, a_dump_of_another_version_is_refused) {
    Inner inner;
    Writer out;
    encode_options(inner_schema, &inner, out);
    const std::string bytes = out.take();
    Reader in(bytes);
    Everything e;
    const Status decoded = decode_options(schema, in, &e);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().text, "options of another version");
    EXPECT_NE(schema_hash(schema), schema_hash(inner_schema));
}

TEST(Schema, values_are_written_as_toml) {
    const Everything e = unusual();
    const auto written = [&](std::string_view key) { return to_toml(row(key), row(key).get(&e)); };
    EXPECT_EQ(written("flag"), "true");
    EXPECT_EQ(written("number"), "99");
    EXPECT_EQ(written("wait"), "\"1s500ms\"");
    EXPECT_EQ(written("octets"), "\"4K\"");
    EXPECT_EQ(written("words"), "\"with \\\"quotes\\\" and \xC3\xB1\"");
    EXPECT_EQ(written("colour"), "\"blue\"");
    EXPECT_EQ(written("pets"), "[\"dog\", \"cat\", \"dog\"]");
    EXPECT_EQ(written("networks"), "[\"10.0.0.0/8\", \"::1/128\"]");
    EXPECT_EQ(written("steps"), "[\"5ms\"]");
    EXPECT_EQ(written("uids"), "[2000, 3000]");
}

TEST(Schema, types_are_described_with_their_limits) {
    EXPECT_EQ(describe_type(row("number")), "integer, 1 to 100");
    EXPECT_EQ(describe_type(row("wait")), "duration, 1s to 1h");
    EXPECT_EQ(describe_type(row("octets")), "size, 1K to 1G");
    EXPECT_EQ(describe_type(row("colour")), "one of red, green, blue");
    EXPECT_EQ(describe_type(row("pets")), "list of cat, dog");
}

std::string refusal(std::string_view key, const OptionValue& value) {
    const Status ok = check_value(row(key), value);
    return ok ? "" : ok.error().text;
}

TEST(Schema, values_outside_the_rows_limits_are_refused_with_a_reason) {
    EXPECT_EQ(refusal("number", std::uint64_t{0}), "must be from 1 to 100, not 0");
    EXPECT_EQ(refusal("wait", std::uint64_t{100}), "must be from 1s to 1h, not 100ms");
    EXPECT_EQ(refusal("octets", std::uint64_t{1} << 40), "must be from 1K to 1G, not 1T");
    EXPECT_EQ(refusal("file", std::string("etc/x")), "must be an absolute path, not \"etc/x\"");
    EXPECT_EQ(refusal("words", std::string("a\nb")), "holds a control character");
    EXPECT_EQ(refusal("words", std::string(5'000, 'x')), "is longer than 4096 octets");
    EXPECT_EQ(refusal("pets", std::vector<std::string>{"dgo"}), "has the unknown word \"dgo\"; did you mean \"dog\"?");
    EXPECT_EQ(refusal("networks", std::vector<std::string>{"10.0.0.0/33"}),
              "holds \"10.0.0.0/33\", which is not a network such as \"10.0.0.0/8\" or \"::1\"");
    EXPECT_EQ(refusal("addresses", std::vector<std::string>{"localhost"}),
              "holds \"localhost\", which is not a numeric IP address; \"*\" means all");
    EXPECT_EQ(refusal("addresses", std::vector<std::string>{}), "must not be empty");
    EXPECT_EQ(refusal("uids", std::vector<std::uint64_t>{5'000, 4'000}), "must have its smaller number first");
    EXPECT_EQ(refusal("uids", std::vector<std::uint64_t>{5'000}), "must be two numbers: [first, last]");
    EXPECT_EQ(refusal("uids", std::vector<std::uint64_t>{1, 2'000}), "must lie from 1000 to 100000");
}

TEST(Units, durations_are_read_and_written) {
    const std::pair<std::string_view, std::int64_t> good[] = {
        {"30s", 30'000}, {"5m", 300'000}, {"1h30m", 5'400'000}, {"2d", 172'800'000},        {"500ms", 500},
        {"0", 0},        {"0s", 0},       {"90s", 90'000},      {"1d2h3m4s5ms", 93'784'005}};
    for (const auto& [text, millis] : good) {
        const auto value = parse_duration(text);
        ASSERT_TRUE(value) << text;
        EXPECT_EQ(value->count(), millis) << text;
        EXPECT_EQ(parse_duration(duration_text(*value))->count(), millis);
    }
    EXPECT_EQ(duration_text(Millis(5'400'000)), "1h30m");
    EXPECT_EQ(duration_text(Millis(0)), "0s");
}

TEST(Units, bad_durations_are_refused) {
    for (const std::string_view text : {"", "5", "s", "5 s", "-5s", "5s5s", "5s1h", "1.5h", "5x", "5S", "5s ", "99999d",
                                        "18446744073709551616s", "18446744073709551615d"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, sizes_are_read_and_written) {
    const std::pair<std::string_view, std::uint64_t> good[] = {
        {"25M", 26'214'400}, {"64K", 65'536}, {"1G", 1'073'741'824}, {"2T", 2'199'023'255'552}, {"512", 512}, {"0", 0}};
    for (const auto& [text, octets] : good) {
        const auto value = parse_size(text);
        ASSERT_TRUE(value) << text;
        EXPECT_EQ(*value, octets) << text;
        EXPECT_EQ(*parse_size(size_text(*value)), octets);
    }
    EXPECT_EQ(size_text(26'214'400), "25M");
    EXPECT_EQ(size_text(1'000), "1000");
}

TEST(Units, bad_sizes_are_refused) {
    for (const std::string_view text : {"", "M", "25 M", "25MB", "25m", "-1K", "1.5G", "18446744073709551615K"})
        EXPECT_FALSE(parse_size(text)) << text;
}

// The default of every row must pass the row's own check, or an untouched configuration could not be dumped.
void expect_good_defaults(const Schema& any, const void* options) {
    for (const OptionRow& r : any.rows) {
        if (r.type == OptionType::group) {
            expect_good_defaults(*r.inner, r.element(const_cast<void*>(options), 0));
            continue;
        }
        if (r.type == OptionType::tables) continue;
        const Status ok = check_value(r, r.get(options));
        EXPECT_TRUE(ok) << r.key << " " << (ok ? "" : ok.error().text);
        EXPECT_FALSE(r.doc.empty()) << r.key;
        EXPECT_TRUE(r.doc.ends_with('.')) << r.key;
    }
}

TEST(Schema, the_defaults_of_the_suite_are_within_their_own_limits) {
    const CommonOptions common;
    const ServiceOptions service;
    expect_good_defaults(common_schema(), &common);
    expect_good_defaults(service_schema(), &service);
}

} // namespace
} // namespace posada::service
