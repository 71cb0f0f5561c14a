// SPDX-License-Identifier: BSD-2-Clause
// POSADA_SANITIZED is defined in a build with AddressSanitizer, by g++ or clang: its allocator and its reports need
// room that the real programs do not give.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define POSADA_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POSADA_SANITIZED 1
#endif
#endif
