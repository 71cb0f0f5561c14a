// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/folders.h"

#include <gtest/gtest.h>

#include "common/store/mutf7.h"
#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

TEST(Mutf7, NamesOfBothAlphabets) {
    const std::vector<std::pair<std::string, std::string>> pairs{
        {"Sent", "Sent"},
        {"A & B", "A &- B"},
        {"Año", "A&APE-o"},
        {"&ñ&", "&-&APE-&-"},
        {"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
        {"📬", "&2D3c7A-"},
        {"a\xc3\xa9\xc3\xa9\xc3\xa9z", "a&AOkA6QDp-z"},
        {"", ""}};
    for (const auto& [utf8, encoded] : pairs) {
        EXPECT_EQ(mutf7_from_utf8(utf8), encoded);
        EXPECT_EQ(mutf7_to_utf8(encoded), utf8);
    }
}

TEST(Mutf7, OneFolderHasOneName) {
    for (const char* wrong : {"&", "&APE", "A&APE", "&AEE-", "&APE-&APE-", "&APF-", "&2D0-", "&3Kw-", "&AP-", "&A-",
                              "\xff", "a\x01", "\xc3\xb1", "&AP E-", "&APE=-"})
        EXPECT_FALSE(mutf7_to_utf8(wrong).has_value()) << wrong;
    EXPECT_FALSE(mutf7_from_utf8("\xff").has_value());
    EXPECT_FALSE(mutf7_from_utf8("\xed\xa0\x80").has_value());
}

TEST(Folders, NamesThatAreNone) {
    for (const std::string& name :
         {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/b"), std::string("/"),
          std::string("a..b"), std::string(".a"), std::string("a."), std::string("a\nb"), std::string("a\0b", 3),
          std::string("\xff"), std::string("INBOX.x"), std::string("inbox.x"), std::string(255, 'a')}) {
        const auto directory = folder_directory(name);
        ASSERT_FALSE(directory.ok()) << name;
        EXPECT_EQ(directory.error().code, Errc::invalid);
    }
    EXPECT_EQ(*folder_directory("Inbox"), "");
    EXPECT_EQ(*folder_directory("INBOXES"), ".INBOXES");
    EXPECT_EQ(*folder_directory("Sent.2026"), ".Sent.2026");
    EXPECT_EQ(folder_directory(std::string(254, 'a'))->size(), 255U);
}

TEST(Folders, AFolderIsMadeWithItsMarkerAndListed) {
    const Scratch scratch;
    ASSERT_TRUE(open_or_create_folder(scratch.maildir(), "Año & más").ok());
    ASSERT_TRUE(open_or_create_folder(scratch.maildir(), "Año & más").ok());
    EXPECT_TRUE(scratch.has(".A&APE-o &- m&AOE-s/maildirfolder"));
    EXPECT_TRUE(scratch.has(".A&APE-o &- m&AOE-s/tmp"));
    ASSERT_TRUE(open_or_create_folder(scratch.maildir(), "Sent").ok());
    scratch.put("subscriptions", "V\t2\n\nSent\nA&APE-o &- m&AOE-s\n");
    const auto mailbox = Maildir::open(scratch.maildir());
    const auto folders = list_folders(*mailbox);
    ASSERT_TRUE(folders.ok());
    ASSERT_EQ(folders->size(), 3U);
    EXPECT_EQ((*folders)[0].name, "INBOX");
    EXPECT_FALSE((*folders)[0].subscribed);
    EXPECT_EQ((*folders)[1].name, "Año & más");
    EXPECT_TRUE((*folders)[1].subscribed && (*folders)[1].has_marker && !(*folders)[1].wrong_name);
    EXPECT_EQ((*folders)[2].name, "Sent");
    EXPECT_TRUE((*folders)[2].subscribed);
}

TEST(Folders, WhatIsNoMaildirIsNoFolderAndALinkIsNotFollowed) {
    const Scratch scratch;
    ASSERT_TRUE(open_or_create_folder(scratch.maildir(), "Real").ok());
    std::filesystem::create_directory(scratch.maildir() + "/.Half");
    std::filesystem::create_directory_symlink(scratch.maildir() + "/.Real", scratch.maildir() + "/.Link");
    scratch.put(".file", "");
    std::filesystem::create_directory_symlink("/tmp", scratch.maildir() + "/.Out");
    std::filesystem::remove(scratch.maildir() + "/.Real/maildirfolder");
    const auto mailbox = Maildir::open(scratch.maildir());
    const auto folders = list_folders(*mailbox);
    ASSERT_EQ(folders->size(), 2U);
    EXPECT_EQ((*folders)[1].directory, ".Real");
    EXPECT_FALSE((*folders)[1].has_marker);
    EXPECT_FALSE(open_or_create_folder(scratch.maildir(), "Out").ok());
    EXPECT_FALSE(open_or_create_folder(scratch.maildir(), "../Out").ok());
}

TEST(Folders, ANameThatIsNotModifiedUtf7IsShownAsItIs) {
    const Scratch scratch;
    ASSERT_TRUE(open_or_create_folder(scratch.maildir(), "x").ok());
    std::filesystem::rename(scratch.maildir() + "/.x", scratch.maildir() + "/.A & B");
    const auto mailbox = Maildir::open(scratch.maildir());
    const auto folders = list_folders(*mailbox);
    ASSERT_EQ(folders->size(), 2U);
    EXPECT_TRUE((*folders)[1].wrong_name);
    EXPECT_EQ((*folders)[1].name, "A & B");
}
