/* SPDX-License-Identifier: ISC */
/*
 * SocketCluster: what real clients and servers said to each other is read,
 * told, and written again to the same bytes; then single messages, sound and
 * broken.  The recordings are tests/fixtures/socketcluster/ (recorded.h).
 */
#include "codec/socketcluster.h"
#include "recorded.h"

static struct buf again = { .max = 4 << 20 }, data = { .max = 4 << 20 };
static struct sc_packet p;
static int protocol;		/* of a recording */

/* ---- recordings ------------------------------------------------------ */

/* Data that the protocol has a form for is written in it again. */
static int
write_data(int server)
{
	struct sc_status status;

	buf_clear(&data);
	switch (p.type) {
	case SC_HANDSHAKE:
		return sc_write_handshake(&data, p.token);
	case SC_SET_TOKEN:
		return sc_write_token(&data, p.token);
	case SC_SUBSCRIBE:
		return p.payload.n > 0 ? 0 : sc_write_channel(&data, &p);
	case SC_PUBLISH:
		return sc_write_channel(&data, &p);
	case SC_KICK_OUT:
		return sc_write_kick(&data, protocol, p.channel, p.reason);
	case SC_ANSWER:
		if (!server || sc_read_status(&status, p.data) == -1)
			break;
		return sc_write_status(&data, &status);
	default:
		break;
	}
	return 0;
}

static void
tell_part(const char *name, struct str s)
{
	if (s.n > 0)
		buf_addf(&told, " %s=%.*s", name, (int)s.n, s.p);
}

static void
tell_packet(int server)
{
	static const char *const types[] = { "raw", "answer", "event",
#define X(id, name)	name,
	    SC_EVENTS(X)
#undef X
	};

	buf_addf(&told, "%s", types[p.type]);
	tell_part("id", p.id);
	if (p.type == SC_EVENT)
		tell_part("event", p.event);
	tell_part("channel", p.channel);
	tell_part("payload", p.payload);
	tell_part("token", p.token);
	tell_part("reason", p.reason);
	tell_part("error", p.error);
	if (p.code != 0)
		buf_addf(&told, " code=%lld", (long long)p.code);
	if (p.waits)
		buf_addf(&told, " waits");
	tell_part("data", p.data);
	buf_addc(&told, '\n');
	if (write_data(server) == 1) {
		CHECK(str_eq(buf_str(&data), p.data));
		p.data = buf_str(&data);
	}
}

static void
tell_line(const char *line, int server)
{
	struct sc_message m;
	struct str s;

	if (strncmp(line, "WS text ", 8) != 0)
		return;
	s = str_of(line + 8);
	if (str_eq(s, server ? sc_ping(protocol) : sc_pong(protocol))) {
		buf_addf(&told, server ? "ping\n" : "pong\n");
		return;
	}
	CHECK_INT(sc_begin(&m, protocol, s), 1);
	CHECK_INT(sc_next(&m, &p), 1);
	tell_packet(server);
	buf_clear(&again);
	CHECK_INT(sc_write(&again, protocol, server, &p), 1);
	CHECK(str_eq(buf_str(&again), s));
	CHECK_INT(sc_next(&m, &p), 0);
}

TEST(recordings, "what was recorded is read, and written to the same bytes")
{
	protocol = 1;
	CHECK_INT(recorded("tests/fixtures/socketcluster/*-14.txt",
	    tell_line), 1);
	protocol = 2;
	CHECK_INT(recorded("tests/fixtures/socketcluster/*-[12][60].txt",
	    tell_line), 2);
}

/* ---- messages --------------------------------------------------------- */

/* The first packet of a message: its type, or -1 when it is raw. */
static int
read_text(int version, const char *text)
{
	static struct sc_message m;

	if (!sc_begin(&m, version, guard_end(str_of(text))))
		return -1;
	return sc_next(&m, &p) == 1 ? (int)p.type : -2;
}

TEST(spelling, "a packet's parts, as they were spelled")
{
	CHECK_INT(read_text(2, " { \"\\u0065vent\" : \"a\\n\", \"cid\": 1.0,"
	    "\"data\" : {\"k\": 1e400 } } "), SC_EVENT);
	CHECK_STR(p.event, "\"a\\n\"");
	CHECK_STR(p.id, "1.0");
	CHECK_STR(p.data, "{\"k\": 1e400 }");
	CHECK_INT(read_text(2, "{\"event\":\"#\\u0070ublish\",\"data\":{"
	    "\"channel\":\"a\",\"channel\":\"b\",\"data\":null}}"),
	    SC_PUBLISH);
	CHECK_STR(p.channel, "\"b\"");
	CHECK_STR(p.payload, "null");
}

TEST(python, "the Python client's frames")
{
	CHECK_INT(read_text(2, "{\"cid\": 1, \"data\": {\"authToken\": null},"
	    " \"event\": \"#handshake\"}"), SC_HANDSHAKE);
	CHECK_STR(p.id, "1");
	CHECK_INT(p.token.n, 0);
	CHECK_INT(read_text(2, "{\"data\": \"x\", \"error\": null, "
	    "\"rid\": 7}"), SC_ANSWER);
	CHECK_INT(p.error.n, 0);
	CHECK_STR(p.id, "7");
}

TEST(hostile, "what is raw, and what is malformed")
{
	static const struct {
		const char *text;
		int type;
	} rows[] = {
		{ "", -1 }, { "#2", -1 }, { "hello", -1 }, { "1", -1 },
		{ "\"#handshake\"", -1 }, { "null", -1 }, { "{", -1 },
		{ "{\"event\":\"a\"", -1 }, { "{\"event\":\"a\"}x", -1 },
		{ "[{\"event\":\"a\"},", -1 }, { "[]", -2 },
		{ "{\"event\":\"\x80\"}", -1 }, { "{}", SC_RAW },
		{ "[1]", SC_RAW }, { "[[]]", SC_RAW },
		{ "{\"event\":1}", SC_RAW }, { "{\"event\":null}", SC_RAW },
		{ "{\"event\":\"a\",\"event\":1}", SC_RAW },
		{ "{\"rid\":\"1\"}", SC_RAW }, { "{\"rid\":1}", SC_ANSWER },
		{ "{\"rid\":1,\"event\":\"a\"}", SC_EVENT },
		{ "{\"event\":\"\"}", SC_EVENT },
		{ "{\"event\":\"#nothing\"}", SC_EVENT },
		{ "{\"event\":\"#Publish\"}", SC_EVENT }
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (read_text(2, rows[i].text) != rows[i].type) {
			printf("# %s: %d\n", rows[i].text,
			    read_text(2, rows[i].text));
			unit_bad = 1;
		}
}

TEST(channels, "names of channels that are none")
{
	CHECK_INT(read_text(2, "{\"event\":\"#subscribe\",\"data\":"
	    "{\"channel\":1},\"cid\":\"2\"}"), SC_SUBSCRIBE);
	CHECK_INT(p.channel.n, 0);
	CHECK_INT(p.id.n, 0);
	CHECK_INT(read_text(2, "{\"event\":\"#subscribe\"}"), SC_SUBSCRIBE);
	CHECK_INT(p.channel.n, 0);
	read_text(2, "{\"event\":\"#subscribe\",\"data\":\"a\"}");
	CHECK_INT(p.channel.n, 0);
	read_text(1, "{\"event\":\"#subscribe\",\"data\":\"a\"}");
	CHECK_STR(p.channel, "\"a\"");
	read_text(1, "{\"event\":\"#unsubscribe\",\"data\":{}}");
	CHECK_INT(p.channel.n, 0);
	read_text(2, "{\"event\":\"#disconnect\",\"data\":"
	    "{\"code\":99999999999999999999,\"data\":1}}");
	CHECK_INT(p.code, 0);
	CHECK_INT(p.reason.n, 0);
}

TEST(batches, "a batch is its packets, one after another")
{
	struct sc_message m;
	int n = 0;

	CHECK_INT(sc_begin(&m, 2, guard_end(STR("[{\"rid\":1}, 5,"
	    "{\"event\":\"a\",\"cid\":2}]"))), 1);
	CHECK_INT(sc_next(&m, &p), 1);
	CHECK_INT(p.type, SC_ANSWER);
	CHECK_INT(sc_next(&m, &p), 1);
	CHECK_INT(p.type, SC_RAW);
	CHECK_INT(sc_next(&m, &p), 1);
	CHECK_STR(p.event, "\"a\"");
	CHECK_INT(sc_next(&m, &p), 0);
	CHECK_INT(sc_next(&m, &p), 0);
	buf_clear(&again);
	buf_addc(&again, '[');
	for (int i = 0; i < 10000; i++)
		buf_addf(&again, "%s{\"rid\":%d}", i > 0 ? "," : "", i);
	buf_addc(&again, ']');
	CHECK_INT(sc_begin(&m, 2, buf_str(&again)), 1);
	while (sc_next(&m, &p))
		n += p.type == SC_ANSWER;
	CHECK_INT(n, 10000);
}

/* ---- writing ----------------------------------------------------------- */

#define WRITES(call, want) do { \
	buf_clear(&data); \
	CHECK_INT(call, 1); \
	CHECK_STR(buf_str(&data), want); \
} while (0)

TEST(wrong, "what is wrong with a token")
{
	WRITES(sc_write_wrong(&data, SC_INVALID, "invalid signature", 0),
	    "{\"message\":\"invalid signature\","
	    "\"name\":\"AuthTokenInvalidError\",\"isBadToken\":true}");
	WRITES(sc_write_wrong(&data, SC_EXPIRED, "jwt expired", 1795218019),
	    "{\"message\":\"jwt expired\",\"name\":\"AuthTokenExpiredError\","
	    "\"expiry\":\"2026-11-20T23:40:19.000Z\",\"isBadToken\":true}");
	WRITES(sc_write_wrong(&data, SC_EARLY, "jwt not active", 951782400),
	    "{\"message\":\"jwt not active\","
	    "\"name\":\"AuthTokenNotBeforeError\","
	    "\"date\":\"2000-02-29T00:00:00.000Z\",\"isBadToken\":false}");
	WRITES(sc_write_wrong(&data, SC_EARLY, "x", INT64_MAX),
	    "{\"message\":\"x\",\"name\":\"AuthTokenNotBeforeError\","
	    "\"date\":null,\"isBadToken\":false}");
}

TEST(dates, "dates are those of a calendar")
{
	char want[128];
	time_t t;
	struct tm tm;

	for (int64_t at = 0; at < 253402300800; at += 86400 * 27 + 3607) {
		t = (time_t)at;
		gmtime_r(&t, &tm);
		strftime(want, sizeof want, "{\"message\":\"\",\"name\":\""
		    "AuthTokenExpiredError\",\"expiry\":\"%Y-%m-%dT%H:%M:%S"
		    ".000Z\",\"isBadToken\":true}", &tm);
		WRITES(sc_write_wrong(&data, SC_EXPIRED, "", at), want);
	}
}

TEST(parts, "answers, and what is in them")
{
	struct sc_status s = { STR("boot.7"), 20000, 1, STR("") };

	WRITES(sc_write_status(&data, &s), "{\"id\":\"boot.7\","
	    "\"pingTimeout\":20000,\"isAuthenticated\":true}");
	s.error = STR("{}");
	WRITES(sc_write_status(&data, &s), "{\"id\":\"boot.7\","
	    "\"pingTimeout\":20000,\"authError\":{},"
	    "\"isAuthenticated\":true}");
	CHECK_INT(sc_read_status(&s, guard_end(buf_str(&data))), 1);
	CHECK_STR(s.id, "boot.7");
	CHECK_STR(s.error, "{}");
	CHECK_INT(s.ping_timeout, 20000);
	CHECK_INT(s.authenticated, 1);
	CHECK_INT(sc_read_status(&s, STR("")), -1);
	CHECK_INT(sc_read_status(&s, STR("[1]")), -1);
	CHECK_INT(sc_read_status(&s, STR("{\"id\":\"a\"}")), -1);
	CHECK_INT(sc_read_status(&s, STR("{\"pingTimeout\":-1}")), -1);
	WRITES(sc_write_auth(&data, 1, STR("")),
	    "{\"isAuthenticated\":true,\"authError\":null}");
	WRITES(sc_write_error(&data, STR("\"m\""), STR("\"n\"")),
	    "{\"message\":\"m\",\"name\":\"n\"}");
	p = (struct sc_packet){ .type = SC_ANSWER, .id = STR("3") };
	WRITES(sc_write(&data, 2, 1, &p), "{\"rid\":3}");
	p = (struct sc_packet){ .type = SC_REMOVE_TOKEN, .data = STR("null") };
	WRITES(sc_write(&data, 1, 1, &p),
	    "{\"event\":\"#removeAuthToken\",\"data\":null}");
	data.max = 20;
	buf_free(&data);
	CHECK_INT(sc_write(&data, 2, 1, &p), -1);
	data.max = 4 << 20;
}
