# SPDX-License-Identifier: BSD-2-Clause
# Fuzz targets: tests/fuzz/<name>_fuzz.cc defines LLVMFuzzerTestOneInput; seeds are in corpus/<name>/, words for the
# mutator in dict/<name>.dict. tests/fuzz/run.sh runs them.
#   MODE=fuzz  build/fuzz/tests/fuzz-<name>    clang++ with libFuzzer, ASan and UBSan
#   MODE=asan  build/asan/tests/replay-<name>  g++ with ASan and UBSan: runs the files it is given, once
# What a target tests is named as sources, not as libraries: only that is compiled a third time. base is always linked.
FUZZ_TARGETS := $(sort $(patsubst tests/fuzz/%_fuzz.cc,%,$(wildcard tests/fuzz/*_fuzz.cc)))
FUZZ_SRCS_addr := common/io/addr.cc
FUZZ_SRCS_channel := common/priv/channel.cc
FUZZ_SRCS_sign := common/priv/channel.cc common/io/tls_server_sign.cc common/io/tls_pem.cc common/io/addr.cc
FUZZ_LDLIBS_sign := -lcrypto
FUZZ_SRCS_gate := common/priv/request.cc common/priv/channel.cc
FUZZ_SRCS_config := $(wildcard common/service/config/*.cc) common/io/addr.cc ctl/sections.cc $(DAEMON_OPTIONS)
FUZZ_LDLIBS_config := -ltomlplusplus -lcrypto

FUZZ_SRCS_line := common/proto/line.cc
FUZZ_SRCS_proxy_header := common/proto/proxy_header.cc
FUZZ_SRCS_dot := common/proto/dot.cc
FUZZ_SRCS_sasl := common/proto/sasl.cc common/proto/base64.cc
FUZZ_SRCS_addr822 := common/proto/addr822.cc
FUZZ_SRCS_smtp_session := $(patsubst %,common/proto/%.cc,line dot reply base64 sasl addr822) \
    $(wildcard smtpd/session*.cc) smtpd/commands.cc smtpd/transaction.cc smtpd/received.cc

FUZZ_SRCS_login := $(patsubst %,common/auth/%.cc,account apop backends hasher scram user_options users_file)
FUZZ_LDLIBS_login := -lcrypt -lcrypto

FUZZ_SRCS_pop3_session := $(patsubst %,common/proto/%.cc,line reply base64 sasl) $(wildcard pop3d/session*.cc) \
    pop3d/commands.cc pop3d/texts.cc
FUZZ_SRCS_pop3_message := common/proto/dot.cc common/store/message_measure.cc pop3d/message_writer.cc

FUZZ_SRCS_uidlist := common/store/uidlist_format.cc
FUZZ_SRCS_mbox := $(patsubst %,common/store/%.cc,mbox mbox_from mbox_status)

FUZZ_SRCS_queue_protocol := smtpd/queue_protocol.cc common/priv/request.cc common/priv/channel.cc
FUZZ_SRCS_relay_session := smtpd/relay_session.cc smtpd/smtp_reply.cc common/proto/line.cc

FUZZ_PROGRAMS :=
# $(1): prefix of the program's name, $(2): target, $(3): further sources, $(4): further linker flags
define fuzz_program
FUZZ_PROGRAMS += tests/$(1)-$(2)
tests/$(1)-$(2)_SRCS := tests/fuzz/$(2)_fuzz.cc $(FUZZ_SRCS_$(2)) $(3)
tests/$(1)-$(2)_LIBS = $$(FUZZ_LIBS_$(2)) base
tests/$(1)-$(2)_LDLIBS = $$(FUZZ_LDLIBS_$(2)) -lfmt
tests/$(1)-$(2)_LDFLAGS := $(4)
endef
ifeq ($(MODE),fuzz)
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_program,fuzz,$(t),,-fsanitize=fuzzer)))
endif
ifeq ($(MODE),asan)
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_program,replay,$(t),tests/fuzz/replay_main.cc,)))
endif
TEST_PROGRAMS += $(FUZZ_PROGRAMS)

fuzz-programs: $(patsubst %,$(B)/%,$(FUZZ_PROGRAMS))
list-fuzz-targets:
	@echo $(FUZZ_TARGETS)
.PHONY: fuzz-programs list-fuzz-targets
