// SPDX-License-Identifier: BSD-2-Clause
// write-mailbox NAME MAILDIR: the mailbox that dialogs are played on (mailboxes.h), as files of a Maildir.
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/mailboxes.h"

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: write-mailbox NAME MAILDIR\n", stderr), 64;
    const std::filesystem::path maildir(argv[2]);
    ::umask(077);
    for (const char* part : {"tmp", "new", "cur"}) std::filesystem::create_directories(maildir / part);
    std::ofstream(maildir / "dovecot-uidlist") << "3 V" << posada::test::mailbox_uidvalidity << " N1\n";
    std::size_t index = 0;
    for (const std::string& message : posada::test::make_mailbox(argv[1])) {
        std::ofstream out(maildir / "new" / posada::test::mailbox_file_name(index++), std::ios::binary);
        if (!(out << message).flush()) return std::fputs("write-mailbox: cannot write\n", stderr), 71;
    }
    return 0;
}
