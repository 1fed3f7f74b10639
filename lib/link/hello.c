/* SPDX-License-Identifier: ISC */

/*
 * The first words of peers: attach, and ready for an answer.  Who we are, what
 * we are on this link, and how much we can hold.
 */

#include <stdio.h>

#include "../log.h"
#include "inside.h"

static const char *const words[] = {
	[LINK_ROUTER] = "router", [LINK_STATION] = "station",
	[LINK_SOURCE] = "source", [LINK_TAP] = "tap",
};

#define NWORDS	(sizeof words / sizeof words[0])

/* A string value into room, terminated: 1, or 0 when absent or too long. */
static int
word(const struct frame *f, enum key k, char *room, size_t n)
{
	struct buf b = BUF(256);
	struct str s;
	int ok = frame_str(f, k, &b, &s) && s.n < n;

	if (ok) {
		memcpy(room, s.p, s.n);
		room[s.n] = '\0';
	}
	buf_free(&b);
	return ok;
}

int
hello_read(struct hello *h, const struct frame *f, const char **why)
{
	int64_t n;
	char as[16];
	size_t i;

	memset(h, 0, sizeof *h);
	*why = "attach: v must be 1";
	if (!frame_int(f, K_V, &n) || n != 1)
		return -1;
	*why = "attach: as must be router, station, source or tap";
	if (!word(f, K_AS, as, sizeof as))
		return -1;
	for (i = LINK_ROUTER; i < NWORDS; i++)
		if (strcmp(as, words[i]) == 0)
			h->as = (enum link_as)i;
	if (h->as == LINK_PLAIN)
		return -1;
	*why = "attach: boot must be 1 to 13 letters and digits";
	if (!word(f, K_BOOT, h->boot, sizeof h->boot) ||
	    h->boot[0] == '\0' || h->boot[strspn(h->boot,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789")] != '\0')
		return -1;
	if (!word(f, K_NAME, h->name, sizeof h->name))
		snprintf(h->name, sizeof h->name, "%s", as);
	*why = "attach: window must be a number of bytes";
	if (!frame_int(f, K_WINDOW, &n) || n < 1)
		return -1;
	h->window = (size_t)n;
	h->snapshot = frame_true(f, K_SNAPSHOT);
	h->stats = frame_true(f, K_STATS);
	h->user = f->v[K_USER];
	h->conn = f->v[K_CONN];
	h->types = f->v[K_TYPES];
	return 1;
}

void
hello_write(struct wire *w, const char *type, enum link_as as, int snapshot)
{
	struct buf b = BUF(4096);

	frame_begin(&b, type);
	frame_num(&b, "v", 1);
	frame_text(&b, "as", str_of(words[as]));
	frame_text(&b, "name", str_of(settings.name ? settings.name :
	    log_program()));
	frame_text(&b, "boot", str_of(link_boot()));
	frame_num(&b, "window", (int64_t)link_window());
	if (as != LINK_TAP)
		frame_flag(&b, "stats");
	if (snapshot)
		frame_flag(&b, "snapshot");
	if (as == LINK_TAP && settings.tap_user != NULL)
		frame_text(&b, "user", str_of(settings.tap_user));
	if (as == LINK_TAP && settings.tap_conn != NULL)
		frame_text(&b, "conn", str_of(settings.tap_conn));
	if (as == LINK_TAP && settings.tap_types != NULL)
		frame_text(&b, "types", str_of(settings.tap_types));
	if (frame_end(&b) == -1)
		die(100, "--name, --user, --conn: too long");
	buf_adds(&w->out, buf_str(&b));
	buf_addc(&w->out, '\n');
	buf_free(&b);
}
