# SPDX-License-Identifier: ISC
#
# Rouket: build, test, install.  `make` builds, `make demo` shows,
# `make check` proves; `make help` lists the rest.
#
# Who links what: every program is src/rk-NAME.c, or the files of the folder
# src/rk-NAME/, with librk.a (all of lib/).  The linker takes from the archive
# what the program calls, so a program carries a foreign library only when it
# uses the one module that owns it; the table LIBS_* says which those are.
#
# A second build beside the first is `make B=DIR BIN=DIR/bin`.  The assembled
# routers (scripts) find their programs beside them and their rules in
# ../lib, so they are copied there, and what they read is linked.

VERSION = 0.1.0
PREFIX = /usr/local
CC = cc
CFLAGS = -O2 -g
# Programs are optimised as a whole, which a message feels: a fifth less CPU.
# What has no use for it (tests) links the plain half of the same objects.
LTO = $(if $(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)
WARN = -std=c11 -Wall -Wextra -pedantic -Werror=implicit-function-declaration \
	-Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
CPPFLAGS = -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Ilib
B = build
# `make V=1` shows whole commands
Q = $(if $(V),,@)
say = $(if $(V),,@echo '$(1)')
# where the programs go: bin/ for people, elsewhere for other builds
BIN = bin

PROGRAMS = $(sort $(notdir $(basename $(wildcard src/rk-*))))
SCRIPTS = $(filter-out $(PROGRAMS),$(notdir $(wildcard bin/rk-*)))
LIBSRC = $(shell find lib -name '*.c')
LIBOBJ = $(LIBSRC:%.c=$(B)/%.o)

LIBS = -lev
TLS = -lssl -lcrypto
LIBS_rk-listen = -ljwt -lwebsockets $(TLS)
LIBS_rk-client = -lwebsockets $(TLS) -ljq
LIBS_rk-route = -ljq
LIBS_rk-amqp-bridge = -lrabbitmq $(TLS)
LIBS_rk-store = -lsqlite3
LIBS_rk-jobs = -lsqlite3
LIBS_rk-log = -ljq

all: $(PROGRAMS:%=$(BIN)/%)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,$(CC) $<)
	$(Q)$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) $(LTO) -MMD -MP -c -o $@ $<

$(B)/librk.a: $(LIBOBJ)
	@rm -f $@
	$(call say,$(AR) $@)
	$(Q)$(AR) rcs $@ $(LIBOBJ)

define program
$(BIN)/$(1): $$(patsubst %.c,$(B)/%.o,$$(wildcard src/$(1).c src/$(1)/*.c)) \
    $(B)/librk.a
	@mkdir -p $$(@D)
	$$(call say,$(CC) $$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LTO) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) $$(LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

.SECONDARY:		# keep the objects of tests
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# what scripts need at run time, as it is in the tree
DATA = $(wildcard lib/rules lib/demo lib/service lib/shell)

ifneq ($(BIN),bin)
all: $(SCRIPTS:%=$(BIN)/%) $(DATA:%=$(BIN)/../%)

$(BIN)/%: bin/%
	@mkdir -p $(@D)
	cp $< $@

$(BIN)/../lib/%: lib/%
	@mkdir -p $(@D)
	ln -sfn $(CURDIR)/$< $@
endif

clean:
	rm -rf build $(PROGRAMS:%=bin/%)

#: make deps        install what the build needs (Debian 12; root or sudo)
deps:
	@tests/deps build

#: make demo        deps, build, and a router that shows itself
demo: deps
	@$(MAKE) all
	@bin/rk-piped --demo

# What is installed: its place in the tree, a colon, its place under PREFIX.
# bash and fish look for completions under the name of a program.
INSTALLED = \
	$(foreach p,$(PROGRAMS),$(BIN)/$p:bin/$p) \
	$(foreach p,$(SCRIPTS),bin/$p:bin/$p) \
	$(foreach n,1 5 7,$(foreach f,$(notdir $(wildcard man/*.$n)),\
		man/$f:share/man/man$n/$f)) \
	$(foreach f,$(shell find $(DATA) -type f),$f:$(f:lib/%=lib/rouket/%)) \
	$(foreach p,$(PROGRAMS) $(SCRIPTS),\
		completion/rk.bash:share/bash-completion/completions/$p \
		completion/rk.fish:share/fish/vendor_completions.d/$p.fish) \
	completion/_rk:share/zsh/site-functions/_rk

#: make install     into $(DESTDIR)$(PREFIX);  make uninstall  out of it again
install: all
	@set -e; for f in $(INSTALLED); do \
		mode=644; [ ! -x "$${f%:*}" ] || mode=755; \
		install -D -m $$mode "$${f%:*}" \
		    '$(DESTDIR)$(PREFIX)'/"$${f#*:}"; \
	done

uninstall:
	@for f in $(INSTALLED); do \
		rm -f '$(DESTDIR)$(PREFIX)'/"$${f#*:}"; \
	done
	@rm -rf '$(DESTDIR)$(PREFIX)/lib/rouket'

#: make clean       back to a fresh clone, but for tests/node_modules
#: make help        this list
help:
	@echo 'make             build the programs into bin/'
	@sed -n 's/^#: //p' Makefile tests/tests.mk

include tests/tests.mk

.PHONY: all clean deps demo help install uninstall
