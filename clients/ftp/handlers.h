// SPDX-License-Identifier: BSD-2-Clause
// The table of what can be typed. A command may be cut short as long as it stays unambiguous; names that are whole win.
#pragma once

#include <span>
#include <string_view>

#include "clients/ftp/client.h"

namespace posada::ftp {

struct Row {
    std::string_view name;
    Handler run;
    bool connected;          // needs a server
    std::size_t needed;      // words behind the name; the last one missing is asked for
    std::string_view syntax; // behind the name; what is asked for is named as here
    std::string_view help;
};

std::span<const Row> rows();
struct Found {
    const Row* row = nullptr;
    bool ambiguous = false;
};
Found find_row(std::string_view name);
// "get 'a b'": words; quotes and backslashes keep blanks. Nothing if a quote stays open.
std::optional<Words> split_command(std::string_view line);
// One line as typed or read.
Exit run_line(Client& client, std::string_view line);

// handlers_connection.cc
Exit do_open(Client&, const Words&);
Exit do_user(Client&, const Words&);
Exit do_close(Client&, const Words&);
Exit do_bye(Client&, const Words&);
Exit do_help(Client&, const Words&);
Exit do_shell(Client&, const Words&);
Exit do_macro(Client&, const Words&);
Exit do_lcd(Client&, const Words&);
Exit do_lpwd(Client&, const Words&);
// handlers_files.cc
Exit do_cd(Client&, const Words&);
Exit do_cdup(Client&, const Words&);
Exit do_pwd(Client&, const Words&);
Exit do_delete(Client&, const Words&);
Exit do_mdelete(Client&, const Words&);
Exit do_rename(Client&, const Words&);
Exit do_mkdir(Client&, const Words&);
Exit do_rmdir(Client&, const Words&);
Exit do_size(Client&, const Words&);
Exit do_modtime(Client&, const Words&);
Exit do_chmod(Client&, const Words&);
Exit do_umask(Client&, const Words&);
Exit do_idle(Client&, const Words&);
Exit do_site(Client&, const Words&);
Exit do_quote(Client&, const Words&);
Exit do_account(Client&, const Words&);
Exit do_remopts(Client&, const Words&);
Exit do_rhelp(Client&, const Words&);
Exit do_rstatus(Client&, const Words&);
Exit do_system(Client&, const Words&);
Exit do_features(Client&, const Words&);
Exit do_noop(Client&, const Words&);
Exit do_mlst(Client&, const Words&);
// handlers_transfer.cc
Exit do_ls(Client&, const Words&);
Exit do_nlist(Client&, const Words&);
Exit do_mls(Client&, const Words&);
Exit do_mlsd(Client&, const Words&);
Exit do_get(Client&, const Words&);
Exit do_reget(Client&, const Words&);
Exit do_newer(Client&, const Words&);
Exit do_mget(Client&, const Words&);
Exit do_mreget(Client&, const Words&);
Exit do_fget(Client&, const Words&);
Exit do_put(Client&, const Words&);
Exit do_append(Client&, const Words&);
Exit do_reput(Client&, const Words&);
Exit do_mirror(Client&, const Words&);
Exit do_mput(Client&, const Words&);
Exit do_restart(Client&, const Words&);
// handlers_pager.cc
Exit do_page(Client&, const Words&);
Exit do_lpage(Client&, const Words&);
Exit do_list_pages(Client&, const Words&);
// handlers_settings.cc
Exit do_ascii(Client&, const Words&);
Exit do_binary(Client&, const Words&);
Exit do_type(Client&, const Words&);
Exit do_fixed(Client&, const Words&);
Exit do_passive(Client&, const Words&);
Exit do_toggle(Client&, const Words&);
Exit do_rate(Client&, const Words&);
Exit do_ntrans(Client&, const Words&);
Exit do_nmap(Client&, const Words&);
Exit do_status(Client&, const Words&);

} // namespace posada::ftp
