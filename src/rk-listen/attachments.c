/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "attachments.h"
#include "link/link.h"
#include "loop.h"

#define ATTACH_SECONDS	60		/* for all attachments of a packet */

struct assembly {
	struct sio_assembly parts;
	size_t kept;
	ev_timer timer;
};

void
attachments_forget(struct session *s)
{
	struct assembly *a = s->assembly;

	if (a == NULL)
		return;
	ev_timer_stop(loop, &a->timer);
	ws_unkeep(a->kept);
	sio_assembly_free(&a->parts);
	free(a);
	s->assembly = NULL;
}

static void
too_late(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l;
	(void)events;
	engine_close(w->data, 1008, STR("attachments take too long"),
	    "server");
}

/* 1, or 0: the session is closed. */
static int
keep(struct session *s, size_t n, int added)
{
	struct assembly *a = s->assembly;

	if (added == -1)
		engine_close(s, 1009, STR("message too big"), "server");
	else if (!ws_keep(s->ws, n))
		engine_close(s, 1013, STR("try again later"), "server");
	else {
		a->kept += n;
		return 1;
	}
	return 0;
}

void
attachments_wait(struct session *s, struct str packet, size_t n)
{
	struct assembly *a = mem_new(sizeof *a);

	s->assembly = a;
	ev_timer_init(&a->timer, too_late, ATTACH_SECONDS, 0);
	a->timer.data = s;
	ev_timer_start(loop, &a->timer);
	keep(s, packet.n, sio_begin(&a->parts, packet, n, link_max()));
}

int
attachments_add(struct session *s, struct str bytes, struct sio_packet *p,
    struct str *list)
{
	struct assembly *a = s->assembly;
	int r = sio_attach(&a->parts, bytes);

	if (!keep(s, bytes.n / 3 * 4, r) || r == 0)
		return 0;
	sio_read(p, s->version, buf_str(&a->parts.text));
	*list = buf_str(&a->parts.list);
	return 1;
}
