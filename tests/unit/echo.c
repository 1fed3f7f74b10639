/* SPDX-License-Identifier: ISC */
/*
 * laravel-echo-server's dialect: what a real Laravel Echo and a real server
 * said to each other is told, and the client's half is written again to the
 * same bytes; then single events, and what a payload is.
 *
 * The recordings are tests/fixtures/echo/ (recorded.h).
 */
#include "codec/echo.h"
#include "codec/engineio.h"
#include "codec/payload.h"
#include "recorded.h"

static struct buf again = { .max = 1 << 20 }, args = { .max = 1 << 20 };

static struct str
member_of(struct str object, const char *key)
{
	struct str value = STR("");
	struct json_walk w;
	struct json_member m;

	if (json_walk(&w, object))
		while (json_next(&w, &m) == 1)
			if (json_says(m.key, key))
				value = m.value;
	return value;
}

/* ---- recordings ------------------------------------------------------ */

/* What a client said, written from its parts. */
static int
write_client(struct sio_packet *q, const struct sio_packet *p)
{
	struct str channel = member_of(p->args, "channel"),
	    auth = member_of(p->args, "auth");

	if (str_eq(p->event, STR("\"subscribe\"")))
		return echo_membership(q, &args, ECHO_SUBSCRIBE, channel,
		    auth);
	if (str_eq(p->event, STR("\"unsubscribe\"")))
		return echo_membership(q, &args, ECHO_UNSUBSCRIBE, channel,
		    auth);
	CHECK_STR(p->event, "\"client event\"");
	return echo_whisper(q, &args, channel, member_of(p->args, "event"),
	    member_of(p->args, "data"));
}

static void
tell_client(const struct sio_packet *p, struct str message)
{
	struct sio_packet q;

	CHECK_INT(write_client(&q, p), 1);
	buf_clear(&again);
	eio_begin(&again, 3, EIO_MESSAGE, 0);
	CHECK_INT(sio_write(&again, &q), 1);
	CHECK(str_eq(buf_str(&again), message));
	buf_addf(&told, "%.*s %.*s\n", (int)p->event.n, p->event.p,
	    (int)p->args.n, p->args.p);
}

static void
tell_server(const struct sio_packet *p)
{
	struct str channel, data;

	CHECK_INT(echo_read(p, &channel, &data), 1);
	buf_addf(&told, "in %.*s %.*s: %.*s\n", (int)channel.n, channel.p,
	    (int)p->event.n, p->event.p, (int)data.n, data.p);
}

static void
tell_line(const char *line, int server)
{
	struct sio_packet p;
	struct str message;

	if (strncmp(line, "WS text 42", 10) != 0)
		return;
	message = str_of(line + 8);
	CHECK_INT(sio_read(&p, 3, (struct str){ message.p + 1,
	    message.n - 1 }), 1);
	if (server)
		tell_server(&p);
	else
		tell_client(&p, message);
}

TEST(recordings, "what was recorded is read, and written to the same bytes")
{
	CHECK_INT(recorded("tests/fixtures/echo/*.txt", tell_line), 2);
}

/* ---- events ------------------------------------------------------------ */

static struct str channel, data;

static int
reads(const char *text)
{
	struct sio_packet p;

	CHECK_INT(sio_read(&p, 3, guard_end(str_of(text))), 1);
	return echo_read(&p, &channel, &data);
}

TEST(spelling, "a channel and its data, as they were spelled")
{
	CHECK_INT(reads("2[\"e\" , \"c\\u0061\" , {\"k\": 1.0 } ]"), 1);
	CHECK_STR(channel, "\"c\\u0061\"");
	CHECK_STR(data, "{\"k\": 1.0 }");
	CHECK_INT(reads("2[\"e\",\"c\",\"a,b\"]"), 1);
	CHECK_STR(data, "\"a,b\"");
	CHECK_INT(reads("2[\"e\",\"a,b\"]"), 1);
	CHECK_STR(channel, "\"a,b\"");
	CHECK_INT(data.n, 0);
}

TEST(others, "events that name no channel")
{
	CHECK_INT(reads("2[\"e\"]"), 0);
	CHECK_INT(reads("2[\"e\",1]"), 0);
	CHECK_INT(reads("2[\"e\",{\"channel\":\"c\"},1]"), 0);
	CHECK_INT(reads("2[\"e\",\"c\",1,2]"), 0);
	CHECK_INT(reads("31[\"c\",1]"), 0);
}

TEST(parts, "what is not there is left out, and a full buf is told")
{
	struct buf small = BUF(20);
	struct sio_packet p;

	CHECK_INT(echo_membership(&p, &args, ECHO_UNSUBSCRIBE, STR("\"c\""),
	    STR("")), 1);
	CHECK_STR(p.args, "{\"channel\":\"c\"}");
	CHECK_STR(p.event, "\"unsubscribe\"");
	CHECK_INT(echo_membership(&p, &small, ECHO_SUBSCRIBE,
	    STR("\"a long name\""), STR("")), -1);
	CHECK_INT(echo_whisper(&p, &small, STR("\"c\""), STR("\"e\""),
	    STR("1")), -1);
	buf_free(&small);
}
