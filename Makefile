# Rouket: build, test, install.  `make` builds, `make demo` shows,
# `make check` proves; `make help` lists the rest.
#
# Who links what: every program is src/rk-NAME.c, or the files of the folder
# src/rk-NAME/, with librk.a (all of lib/).  The linker takes from the archive
# what the program calls, so a program carries a foreign library only when it
# uses the one module that owns it; the table LIBS_* says which those are.

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

PROGRAMS = $(notdir $(basename $(wildcard src/rk-*)))
SCRIPTS = $(filter-out $(addprefix bin/,$(PROGRAMS)),$(wildcard bin/rk-*))
LIBSRC = $(wildcard lib/*.c lib/link/*.c lib/codec/*.c)
LIBOBJ = $(LIBSRC:%.c=$(B)/%.o)

LIBS = -lev
LIBS_rk-listen = -lwebsockets
LIBS_rk-client = -lwebsockets -ljq
LIBS_rk-route = -ljq
LIBS_rk-amqp-bridge = -lrabbitmq

all: $(addprefix $(BIN)/,$(PROGRAMS))

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

clean:
	rm -rf build $(addprefix bin/,$(PROGRAMS))

include tests/tests.mk

.PHONY: all clean
