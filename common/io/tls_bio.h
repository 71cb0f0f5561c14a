// SPDX-License-Identifier: BSD-2-Clause
// The socket layer below OpenSSL, made once for each TlsContext and used by its sessions.
#pragma once

struct bio_method_st;

namespace posada::io {

// Owned by the caller (BIO_meth_free); nullptr without memory. The BIO's data is the TlsSession.
bio_method_st* make_tls_bio_method();

} // namespace posada::io
