/* SPDX-License-Identifier: ISC */
/*
 * Engine.IO and Socket.IO: what real clients and servers said to each other
 * is read, told, and written again to the same bytes; then single packets,
 * sound and broken.
 *
 * The recordings are tests/fixtures/wire/ (recorded.h).
 */
#include "codec/engineio.h"
#include "codec/socketio.h"
#include "recorded.h"

static struct buf again = { .max = 4 << 20 }, scratch = { .max = 4 << 20 };

/* ---- telling --------------------------------------------------------- */

static void
tell_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addf(&told, "%02x", (unsigned char)s.p[i]);
}

static void
tell_socketio(int version, struct str text)
{
	static const char *const types[] = { "connect", "disconnect", "event",
	    "ack", "error" };
	struct sio_packet p;

	CHECK_INT(sio_read(&p, version, text), 1);
	buf_addf(&told, "%s ns=%.*s", types[p.type], (int)p.ns.n, p.ns.p);
	if (p.query.n > 0)
		buf_addf(&told, " query=%.*s", (int)p.query.n, p.query.p);
	if (p.id != -1)
		buf_addf(&told, " id=%lld", (long long)p.id);
	if (p.attachments > 0)
		buf_addf(&told, " attachments=%zu", p.attachments);
	if (p.event.n > 0)
		buf_addf(&told, " %.*s", (int)p.event.n, p.event.p);
	if (p.type == SIO_EVENT || p.type == SIO_ACK)
		buf_addf(&told, " %zu: %.*s\n", p.nargs, (int)p.args.n,
		    p.args.p);
	else
		buf_addf(&told, " %.*s\n", (int)p.data.n, p.data.p);

	buf_clear(&again);
	if (p.type == SIO_EVENT || p.type == SIO_ACK)
		p.data.n = 0;
	CHECK_INT(sio_write(&again, &p), 1);
	CHECK(str_eq(buf_str(&again), text));
}

static void
tell_open(struct str json)
{
	struct eio_open o;

	CHECK_INT(eio_open_read(&o, json), 1);
	buf_addf(&told, "open upgrade=%d interval=%lld timeout=%lld max=%lld\n",
	    o.upgrade, (long long)o.interval, (long long)o.timeout,
	    (long long)o.max);
	buf_clear(&again);
	CHECK_INT(eio_open_write(&again, &o), 1);
	CHECK(str_eq(buf_str(&again), json));
}

static void
tell_packet(int version, const struct eio_packet *p)
{
	static const char *const types[] = { "open", "close", "ping", "pong",
	    "message", "upgrade", "noop" };

	if (p->binary) {
		buf_addf(&told, "bytes ");
		tell_hex(p->data);
		buf_addc(&told, '\n');
	} else if (p->type == EIO_MESSAGE)
		tell_socketio(version, p->data);
	else if (p->type == EIO_OPEN)
		tell_open(p->data);
	else
		buf_addf(&told, "%s %.*s\n", types[p->type], (int)p->data.n,
		    p->data.p);
}

/* A packet as a WebSocket message, in message. */
static void
write_message(struct buf *message, int version, const struct eio_packet *p)
{
	buf_clear(message);
	CHECK_INT(eio_begin(message, version, p->type, p->binary), 1);
	CHECK_INT(buf_adds(message, p->data), 1);
}

static void
tell_websocket(int version, struct str s, int binary)
{
	struct buf message = BUF(1 << 20);
	struct eio_packet p;

	CHECK_INT(eio_read(&p, version, s, binary, &scratch), 1);
	tell_packet(version, &p);
	write_message(&message, version, &p);
	CHECK(str_eq(buf_str(&message), s));
	buf_free(&message);
}

static void
tell_body(int version, struct str s, int bytes)
{
	struct buf message = BUF(1 << 20), body = BUF(1 << 20);
	struct eio_body b = { eio_form(version, bytes), s, 0 };
	struct eio_packet p;
	int r;

	while ((r = eio_next(&b, &p, &scratch)) == 1) {
		tell_packet(version, &p);
		write_message(&message, version, &p);
		eio_add(&body, b.form, buf_str(&message), p.binary);
	}
	CHECK_INT(r, 0);
	CHECK(str_eq(buf_str(&body), s));
	buf_free(&message);
	buf_free(&body);
}

/* ---- recordings ------------------------------------------------------ */

/* \xNN, and all of a body that is 0xNN..., as bytes. */
static struct str
bytes_of(struct buf *b, const char *s, int hex)
{
	unsigned byte;

	buf_clear(b);
	while (*s != '\0') {
		if (hex && sscanf(s, "%2x", &byte) == 1)
			s += 2;
		else if (strncmp(s, "\\x", 2) == 0 &&
		    sscanf(s + 2, "%2x", &byte) == 1)
			s += 4;
		else
			byte = (unsigned char)*s++;
		buf_addc(b, (char)byte);
	}
	return buf_str(b);
}

static void
tell_line(const char *s, int server)
{
	static int version;
	static struct buf b = { .max = 1 << 20 };
	int hex;

	(void)server;
	if (strncmp(s, "HTTP ", 5) == 0 && strstr(s, "EIO="))
		version = strstr(s, "EIO=4") ? 4 : 3;
	else if (strncmp(s, "WS text ", 8) == 0)
		tell_websocket(version, bytes_of(&b, s + 8, 0), 0);
	else if (strncmp(s, "WS bin ", 7) == 0)
		tell_websocket(version, bytes_of(&b, s + 7, 1), 1);
	else if (strncmp(s, "BODY ", 5) == 0 && s[5] != '{' &&
	    strcmp(s, "BODY ok") != 0) {
		hex = strncmp(s + 5, "0x", 2) == 0;
		tell_body(version, bytes_of(&b, s + (hex ? 7 : 5), hex), hex);
	}
}

TEST(recordings, "what was recorded is read, and written to the same bytes")
{
	CHECK(recorded("tests/fixtures/wire/*.txt", tell_line) >= 9);
}

/* ---- Engine.IO ------------------------------------------------------- */

static struct eio_packet packet;

static int
read_text(int version, const char *text)
{
	return eio_read(&packet, version, guard_end(str_of(text)), 0,
	    &scratch);
}

TEST(messages, "WebSocket messages: types, bytes, base64")
{
	CHECK_INT(read_text(4, "2probe"), 1);
	CHECK_INT(packet.type, EIO_PING);
	CHECK_STR(packet.data, "probe");
	CHECK_INT(read_text(4, "bAQID"), 1);
	CHECK(packet.type == EIO_MESSAGE && packet.binary);
	CHECK_STR(packet.data, "\1\2\3");
	CHECK_INT(read_text(3, "b4AQID"), 1);
	CHECK_STR(packet.data, "\1\2\3");
	CHECK_INT(eio_read(&packet, 3, STR("\4\1"), 1, &scratch), 1);
	CHECK_STR(packet.data, "\1");
	CHECK_INT(eio_read(&packet, 4, STR(""), 1, &scratch), 1);
	CHECK_INT(packet.data.n, 0);
}

TEST(garbage, "what is no packet")
{
	CHECK_INT(read_text(4, ""), -1);
	CHECK_INT(read_text(4, "x"), -1);
	CHECK_INT(read_text(4, "7"), -1);
	CHECK_INT(read_text(3, "9"), -1);
	CHECK_INT(read_text(4, "bA"), -1);
	CHECK_INT(read_text(3, "b"), -1);
	CHECK_INT(read_text(3, "bAQID"), -1);
	CHECK_INT(eio_read(&packet, 3, STR(""), 1, &scratch), -1);
	CHECK_INT(eio_read(&packet, 3, STR("\7"), 1, &scratch), -1);
}

/* The packets of a body, "TYPE data|", or what is wrong. */
static const char *
body(int version, int bytes, struct str text)
{
	static struct buf b = { .max = 1 << 20 };
	struct eio_body rest = { eio_form(version, bytes), guard_end(text),
	    0 };
	struct eio_packet p;
	int r;

	buf_clear(&b);
	while ((r = eio_next(&rest, &p, &scratch)) == 1)
		buf_addf(&b, "%d%s%.*s|", (int)p.type, p.binary ? "b" : "",
		    (int)p.data.n, p.data.p);
	buf_adds(&b, r == -1 ? STR("bad") : STR("."));
	buf_addc(&b, '\0');
	return b.data;
}

#define BODY(version, bytes, text, want) \
	CHECK_STR(str_of(body(version, bytes, STR(text))), want)

TEST(bodies, "polling bodies in their three forms")
{
	BODY(4, 0, "4a\x1e" "2\x1e" "bAQ==", "4a|2|4b\1|.");
	BODY(4, 1, "4a", "4a|.");
	BODY(3, 0, "2:4a1:26:b4AQID", "4a|2|4b\1\2\3|.");
	BODY(3, 0, "4:4\xd0\xba\xf0\x9f\x98\x80",
	    "4\xd0\xba\xf0\x9f\x98\x80|.");
	BODY(3, 1, "\0\2\xff" "4a\1\4\xff\4\1\2\3", "4a|4b\1\2\3|.");
	BODY(3, 1, "\0\1\2\xff" "4abcdefghijk", "4abcdefghijk|.");
}

TEST(bad_bodies, "polling bodies that are malformed")
{
	BODY(4, 0, "", "bad");
	BODY(4, 0, "4a\x1e", "bad");
	BODY(4, 0, "\x1e" "4a", "bad");
	BODY(4, 0, "4a\x1e\x1e" "4b", "4a|bad");
	BODY(3, 0, "", "bad");
	BODY(3, 0, "4a", "bad");
	BODY(3, 0, "0:", "bad");
	BODY(3, 0, ":4a", "bad");
	BODY(3, 0, "3:4a", "bad");
	BODY(3, 0, "2:4a1", "4a|bad");
	BODY(3, 0, "2:4\xf0\x9f\x98\x80", "bad");	/* half of a pair */
	BODY(3, 0, "99999999999:4a", "bad");
	BODY(3, 1, "\0\2\xff" "4", "bad");
	BODY(3, 1, "\2\1\xff" "4", "bad");
	BODY(3, 1, "\0\xff" "4", "bad");
	BODY(3, 1, "\0\1", "bad");
	BODY(3, 1, "\0\2\xff" "4\x80", "bad");
}

TEST(queries, "queries of requests")
{
	struct eio_query q;

	CHECK_INT(eio_query_read(&q, STR("EIO=4&transport=polling&t=x")),
	    EIO_FINE);
	CHECK(q.version == 4 && !q.websocket && q.sid.p == NULL);
	CHECK_INT(eio_query_read(&q, STR("transport=websocket&sid=ab&b64=1")),
	    EIO_FINE);
	CHECK(q.version == 0 && q.websocket && q.base64);
	CHECK_STR(q.sid, "ab");
	eio_query_read(&q, STR("EIO=4&transport=polling&sid="));
	CHECK(q.sid.p == NULL);		/* is none: a new session */
	eio_query_read(&q, STR("EIO=3&transport=polling"));
	CHECK_INT(q.version, 3);
	eio_query_read(&q, STR("EIO=5&transport=polling"));
	CHECK_INT(q.version, 0);
	CHECK_INT(eio_query_read(&q, STR("EIO=4&transport=tele")),
	    EIO_UNKNOWN_TRANSPORT);
	CHECK_INT(eio_query_read(&q, STR("")), EIO_UNKNOWN_TRANSPORT);
	CHECK_INT(eio_query_read(&q, STR("EIO=3&transport=polling&j=0")),
	    EIO_BAD_REQUEST);
}

TEST(errors, "errors as JSON")
{
	buf_clear(&scratch);
	eio_error_write(&scratch, EIO_UNKNOWN_SID);
	CHECK_STR(buf_str(&scratch),
	    "{\"code\":1,\"message\":\"Session ID unknown\"}");
}

TEST(handshakes, "handshakes that are none")
{
	struct eio_open o;

	CHECK_INT(eio_open_read(&o, STR("{\"sid\":\"a\"}")), 1);
	CHECK_INT(o.interval, 25000);
	CHECK_INT(eio_open_read(&o, STR("{}")), -1);
	CHECK_INT(eio_open_read(&o, STR("[]")), -1);
	CHECK_INT(eio_open_read(&o, STR("{\"sid\":\"a\",\"pingTimeout\":1.5}")),
	    -1);
	CHECK_INT(eio_open_read(&o, STR("{\"sid\":\"a\"")), -1);
}

/* ---- Socket.IO ------------------------------------------------------- */

static struct sio_packet p;

static int
reads(int version, const char *text)
{
	return sio_read(&p, version, guard_end(str_of(text)));
}

TEST(packets, "a packet's parts, as they were spelled")
{
	CHECK_INT(reads(4, "2/a,12[\"e\" , 1.0,{\"k\": 1e400 } ]"), 1);
	CHECK_STR(p.ns, "/a");
	CHECK_INT(p.id, 12);
	CHECK_STR(p.event, "\"e\"");
	CHECK_STR(p.args, "1.0,{\"k\": 1e400 }");
	CHECK_INT(p.nargs, 2);
	CHECK_INT(reads(4, "2[\"e\"]"), 1);
	CHECK_INT(p.nargs, 0);
	CHECK_INT(reads(3, "0/a?x=1&y=2,"), 1);
	CHECK_STR(p.ns, "/a");
	CHECK_STR(p.query, "x=1&y=2");
	CHECK_INT(reads(3, "0/a"), 1);
	CHECK_STR(p.ns, "/a");
	CHECK_INT(reads(4, "40[]"), 1);
	CHECK_INT(p.type, SIO_ERROR);
	CHECK_INT(p.id, 0);
}

/* As in seeds.md P1.5: version 3, version 4. */
TEST(hostile, "what is ignored, and what ends the connection")
{
	static const struct {
		const char *text;
		int v3, v4;
	} rows[] = {
		{ "", -1, -1 }, { "2{bad", -1, -1 }, { "2[]", -1, -1 },
		{ "5", -1, -1 }, { "5[\"e\"]", -1, -1 }, { "2", 0, 0 },
		{ "2[1]", 0, 0 }, { "2[null]", 0, -1 }, { "2{}", -1, -1 },
		{ "9", 0, -1 }, { "x", -1, -1 }, { "2[\"connect\"]", 0, -1 },
		{ "2[\"disc\\u006fnnect\",1]", 0, -1 },
		{ "2[\"e\"]x", -1, -1 }, { "2[\"e\",]", -1, -1 },
		{ "2[\"e\"", -1, -1 }, { "3[1]", 0, 0 }, { "31", 0, 0 },
		{ "31{}", -1, -1 }, { "0{bad", -1, -1 }, { "0[]", 1, -1 },
		{ "0{\"t\":1}", 1, 1 }, { "1", 1, 1 }, { "1{}", 1, -1 },
		{ "52-[\"e\"]", 1, 1 }, { "511-[\"e\"]", -1, -1 },
		{ "51-[\"e\",{\"_placeholder\":true,\"num\":1}]", -1, -1 },
		{ "51-[\"e\",{\"_placeholder\":true}]", -1, -1 },
		{ "51-[\"e\",{\"_placeholder\":true,\"num\":-1}]", -1, -1 },
		{ "51-[\"e\",{\"_placeholder\":true,\"num\":0.5}]", -1, -1 },
		{ "51-[\"e\",{\"_placeholder\":true,\"num\":0,\"num\":9}]",
		    -1, -1 },
		{ "51-[\"e\",[{\"\\u005fplaceholder\":true,\"num\":7}]]",
		    -1, -1 },
		{ "51-[\"e\",{\"_placeholder\":false,\"num\":7}]", 1, 1 },
		{ "51-[\"e\",{\"_placeholder\":\"true\",\"num\":7}]", 1, 1 },
		{ "2[\"e\",{\"_placeholder\":true,\"num\":7}]", 1, 1 },
		{ "2[\"e\",\"\x80\"]", -1, -1 }
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (reads(3, rows[i].text) != rows[i].v3 ||
		    reads(4, rows[i].text) != rows[i].v4) {
			printf("# %s: %d and %d\n", rows[i].text,
			    reads(3, rows[i].text), reads(4, rows[i].text));
			unit_bad = 1;
		}
	}
}

TEST(deep, "JSON too deep for a frame ends the connection")
{
	char text[1024] = "2[\"e\",";

	memset(text + 6, '[', 130);
	memset(text + 136, ']', 130);
	strcpy(text + 266, "]");
	CHECK_INT(reads(4, text), -1);
	memset(text, 0, sizeof text);
	strcpy(text, "51-[\"e\",");
	memset(text + 8, '[', 127);
	memset(text + 135, ']', 127);
	strcpy(text + 262, "]");
	CHECK_INT(reads(4, text), 1);
}

TEST(placeholders, "a placeholder that is all there is")
{
	CHECK(sio_is_placeholder(STR("{\"_placeholder\":true,\"num\":0}")));
	CHECK(!sio_is_placeholder(STR("{\"_placeholder\":true}")));
	CHECK(!sio_is_placeholder(STR("{\"_placeholder\":false,\"num\":0}")));
	CHECK(!sio_is_placeholder(
	    STR("{\"_placeholder\":true,\"num\":0,\"x\":1}")));
	CHECK(!sio_is_placeholder(STR("[1]")));
	CHECK(!sio_is_placeholder(STR("1")));
}

TEST(writing, "packets without arguments, acks without an event")
{
	struct sio_packet w = { .type = SIO_ACK, .id = 7, .ns = STR("/") };

	buf_clear(&scratch);
	sio_write(&scratch, &w);
	CHECK_STR(buf_str(&scratch), "37[]");
	w = (struct sio_packet){ .type = SIO_EVENT, .id = -1,
	    .ns = STR("/a"), .event = STR("\"e\"") };
	buf_clear(&scratch);
	sio_write(&scratch, &w);
	CHECK_STR(buf_str(&scratch), "2/a,[\"e\"]");
	w = (struct sio_packet){ .type = SIO_DISCONNECT, .id = -1,
	    .ns = STR("/a") };
	buf_clear(&scratch);
	sio_write(&scratch, &w);
	CHECK_STR(buf_str(&scratch), "1/a,");
	scratch.max = 10;
	buf_free(&scratch);
	CHECK_INT(sio_write(&scratch, &w), -1);
	scratch.max = 4 << 20;
}

TEST(assembly, "attachments come together, within their bounds")
{
	struct sio_assembly a;

	CHECK_INT(sio_begin(&a, STR("52-[\"e\"]"), 2, 100), 1);
	CHECK_INT(sio_attach(&a, STR("\1\2\3")), 0);
	CHECK_INT(sio_attach(&a, STR("hi")), 1);
	CHECK_STR(buf_str(&a.list), "[\"AQID\",\"aGk=\"]");
	CHECK_STR(buf_str(&a.text), "52-[\"e\"]");
	sio_assembly_free(&a);
	CHECK_INT(sio_begin(&a, STR("52-[\"e\"]"), 2, 9), 1);
	CHECK_INT(sio_attach(&a, STR("\1\2\3")), 0);
	CHECK_INT(sio_attach(&a, STR("\1\2\3")), -1);
	sio_assembly_free(&a);
	CHECK_INT(sio_begin(&a, STR("52-[\"e\"]"), 2, 5), -1);
	sio_assembly_free(&a);
}
