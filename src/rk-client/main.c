/* SPDX-License-Identifier: ISC */
/*
 * rk-client: the other end of a WebSocket.  Three programs that share their
 * options and their eyes:
 *
 *   call.c      one connection, for people and scripts; say.c: what is
 *               said; dialect.c, when it is in a dialect
 *   tap.c       looks on at a socket of the kit (unix:PATH)
 *   station.c   many connections, dialled by frames (--frames), as command.c
 *               is told: outgoing.c, of which told.c tells; far.c keeps them
 *   speech.c    how far ends speak: raw, or with a voice of socketio.c (on
 *               talk.c) or socketcluster.c; ask.c: what is to be answered
 *   options.c   the command line
 *   script.c    what is to be sent and what is waited for
 *   show.c      how a message looks;  output.c: standard output
 *   dial.c      URLs and failures for people;
 *               names.c: addresses of hosts
 */
#include "client.h"
#include "log.h"
#include "loop.h"
#include "ws.h"

struct kind {
	void (*start)(struct opts *), (*leave)(void);
};

static const struct kind call = { call_start, call_leave };
static const struct kind tap = { tap_start, tap_leave };
static const struct kind station = { station_start, station_leave };

static const struct kind *
choose_kind(void)
{
	if (set.frames)
		return &station;
	return strncmp(set.url, "unix:", 5) == 0 ? &tap : &call;
}

int
main(int argc, char **argv)
{
	const struct kind *kind;
	struct opts o;
	int status;

	options_read(&o, argc, argv);
	kind = choose_kind();
	loop_open(&(struct loop_ops){ .term = kind->leave });
	kind->start(&o);
	status = loop_run();
	if (kind != &tap)
		ws_stop();
	if (status == 1 && output_reason() != NULL)
		die(1, "%s", output_reason());
	if (status == 111 && output_reason() != NULL)
		die(111, "%s", output_reason());
	return status;
}
