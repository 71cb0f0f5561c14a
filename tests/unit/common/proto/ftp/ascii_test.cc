// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/ftp/ascii.h"

#include <gtest/gtest.h>

#include <random>

using namespace posada::proto::ftp;

namespace {

std::string to_network(std::string_view in, std::size_t piece) {
    ToNetwork converter;
    std::string out;
    for (std::size_t at = 0; at < in.size(); at += piece) converter.convert(in.substr(at, piece), out);
    return out;
}
std::string from_network(std::string_view in, std::size_t piece) {
    FromNetwork converter;
    std::string out;
    for (std::size_t at = 0; at < in.size(); at += piece) converter.convert(in.substr(at, piece), out);
    converter.finish(out);
    return out;
}

} // namespace

TEST(Ascii, LineEndsInPiecesOfEverySize) {
    const std::string mixed = "\na\n\nb\r\n\r\r\nc\rd\n\r";
    for (std::size_t piece = 1; piece <= mixed.size(); ++piece) {
        EXPECT_EQ(to_network(mixed, piece), "\r\na\r\n\r\nb\r\n\r\r\nc\rd\r\n\r") << piece;
        EXPECT_EQ(from_network(mixed, piece), "\na\n\nb\n\r\nc\rd\n\r") << piece;
    }
}

// A text without CR comes back as it was, however it is cut.
TEST(Ascii, GoesThereAndBack) {
    std::mt19937 random(7);
    std::string text(20'000, 'x');
    for (char& c : text)
        if (random() % 5 == 0) c = '\n';
    for (const std::size_t piece : {1UL, 2UL, 3UL, 1000UL, 65'536UL})
        EXPECT_EQ(from_network(to_network(text, piece), piece + 1), text) << piece;
}
