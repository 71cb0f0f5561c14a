# SPDX-License-Identifier: BSD-2-Clause
# echod, the smallest daemon: HACKING.md "Add a daemon"; tests/service runs on it.
$(eval $(call daemon_programs,TEST_PROGRAMS,echod,tests/support/echod))
# The other model, chosen by the name.
$(eval $(call daemon_programs,TEST_PROGRAMS,echod-shared,tests/support/echod))
