/* SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "client.h"
#include "dialect.h"
#include "link/link.h"
#include "log.h"
#include "say.h"
#include "script.h"

static int reads_stdin, typed;	/* by somebody who sees it */
static struct lines in;

/* ---- one message ------------------------------------------------- */

static void
send_text(struct ws_conn *conn, struct str text)
{
	struct ws_msg *m = ws_msg_new(set.binary ? WS_BINARY : WS_TEXT, text);

	ws_send(conn, m);
	ws_msg_drop(m);
}

/* NULL, or why it cannot be said. */
static const char *
act(struct ws_conn *conn, struct far *far, const struct script_said *said)
{
	if (set.style.how == SHOW_PRETTY && !typed &&
	    said->act == SCRIPT_SEND)
		output_show('>', said->text, set.binary);
	if (far != NULL)
		return dialect_say(far, said);
	send_text(conn, said->text);
	return NULL;
}

/* ---- what is next ------------------------------------------------ */

static int
next_line(struct str *text)
{
	int r;

	if (!reads_stdin)
		return 0;
	while ((r = lines_next(&in, text)) != 0) {
		if (r == -1)
			warn("stdin:%llu: longer than a message may be",
			    (unsigned long long)in.number);
		else if (!set.binary && !utf8_check(*text))
			warn("stdin:%llu: not UTF-8 (--binary takes any)",
			    (unsigned long long)in.number);
		else
			return 1;
	}
	return 0;
}

int
say_spent(void)
{
	if (script_waits() || set.echo || set.no_input || dialect_asks())
		return 0;
	return reads_stdin ? in.ended : !set.pause;
}

int
say_next(struct ws_conn *conn, struct far *far)
{
	struct script_said said;
	struct str text;
	const char *why;

	if (script_next(&said)) {
		if ((why = act(conn, far, &said)) != NULL)
			die(100, "%.*s: %s", (int)said.text.n, said.text.p,
			    why);
		return 1;
	}
	if (!next_line(&text))
		return 0;
	said = script_line(text);
	if ((why = act(conn, far, &said)) != NULL)
		warn("stdin:%llu: %s", (unsigned long long)in.number, why);
	return 1;
}

/* ---- its life ---------------------------------------------------- */

void
say_open(void (*more)(struct lines *))
{
	reads_stdin = !script_sends() && !set.no_input && !set.echo;
	typed = reads_stdin && isatty(STDIN_FILENO);
	lines_open(&in, STDIN_FILENO, link_max(), more);
}

void
say_end(void)
{
	lines_stop(&in);
}
