# Tests: included by the Makefile.

# unit tests: tests/unit/NAME.c, each a program of its own
UNIT = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/librk.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lwebsockets -ljq -lrabbitmq $(LIBS)

unit: $(UNIT)
