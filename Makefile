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
WARN = -std=c11 -Wall -Wextra -pedantic -Werror=implicit-function-declaration \
	-Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
CPPFLAGS = -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Ilib
B = build
# where the programs go: bin/ for people, elsewhere for other builds
BIN = bin

PROGRAMS = $(sort $(notdir $(basename $(wildcard src/rk-*))))
SCRIPTS = $(filter-out $(PROGRAMS),$(notdir $(wildcard bin/rk-*)))
LIBSRC = $(shell find lib -name '*.c')
LIBOBJ = $(LIBSRC:%.c=$(B)/%.o)

LIBS = -lev
LIBS_rk-listen = -lwebsockets
LIBS_rk-client = -lwebsockets -ljq
LIBS_rk-route = -ljq
LIBS_rk-amqp-bridge = -lrabbitmq

all: $(PROGRAMS:%=$(BIN)/%)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/librk.a: $(LIBOBJ)
	@rm -f $@
	$(AR) rcs $@ $(LIBOBJ)

define program
$(BIN)/$(1): $$(patsubst %.c,$(B)/%.o,$$(wildcard src/$(1).c src/$(1)/*.c)) \
    $(B)/librk.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) $$(LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# what scripts need at run time, as it is in the tree
DATA = $(wildcard lib/rules lib/www)

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

# Installing: FILES go out, each to its place under PREFIX.
FILES = $(PROGRAMS:%=$(BIN)/%) $(SCRIPTS:%=bin/%) $(wildcard man/rk*.[157]) \
	$(shell find $(DATA) -type f) $(wildcard completion/*)

place = $(strip \
	$(patsubst $(BIN)/%,bin/%,\
	$(patsubst man/%.1,share/man/man1/%.1,\
	$(patsubst man/%.5,share/man/man5/%.5,\
	$(patsubst man/%.7,share/man/man7/%.7,\
	$(patsubst lib/%,lib/rouket/%,\
	$(patsubst completion/%.bash,share/bash-completion/completions/%,\
	$(patsubst completion/%.fish,share/fish/vendor_completions.d/%.fish,\
	$(patsubst completion/_%,share/zsh/site-functions/_%,$(1))))))))))
to = '$(DESTDIR)$(PREFIX)/$(call place,$(1))'
mode = $(if $(filter bin/%,$(call place,$(1))),755,644)

#: make install     into $(DESTDIR)$(PREFIX);  make uninstall  out of it again
install: all
	@$(foreach f,$(FILES),install -D -m $(call mode,$f) $f $(call to,$f) &&) :

uninstall:
	@rm -f $(foreach f,$(FILES),$(call to,$f))
	@rm -rf '$(DESTDIR)$(PREFIX)/lib/rouket'

#: make clean       back to a fresh clone, but for tests/node_modules
#: make help        this list
help:
	@echo 'make             build the programs into bin/'
	@sed -n 's/^#: //p' Makefile tests/tests.mk

include tests/tests.mk

.PHONY: all clean deps demo help install uninstall
