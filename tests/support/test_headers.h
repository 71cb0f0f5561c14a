// SPDX-License-Identifier: BSD-2-Clause
// What unit tests include, to be precompiled (Makefile). No file may rely on it.
#include "tests/support/headers.h"

#include <gtest/gtest.h>
