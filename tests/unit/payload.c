/* SPDX-License-Identifier: ISC */
/*
 * Payloads of frames as packets, and back: Socket.IO's arguments and
 * attachments, SocketCluster's data.
 */
#include "codec/payload.h"
#include "unit.h"

static struct buf scratch = { .max = 1 << 16 }, line = { .max = 1 << 16 };
static struct frame f;
static struct sio_packet p;
static struct str list;

static const char *
wrong(const char *keys)
{
	const char *why = NULL;

	buf_clear(&line);
	buf_addf(&line, "{\"type\":\"send\"%s}", keys);
	CHECK_INT(frame_scan(&f, buf_str(&line), &why), 1);
	return payload_wrong(&f, &scratch);
}

/* As Socket.IO, and as a frame again. */
static void
is_args(const char *keys, const char *want, size_t attachments)
{
	CHECK(wrong(keys) == NULL);
	p = (struct sio_packet){ .type = SIO_EVENT };
	payload_as_socketio(&p, &list, &f, &scratch);
	CHECK_STR(p.args, want);
	CHECK_INT(p.attachments, attachments);
}

TEST(socketio, "data is an argument, args are several, bytes are attached")
{
	is_args(",\"data\":{\"a\": 1.0}", "{\"a\": 1.0}", 0);
	CHECK(list.p == NULL);
	is_args(",\"text\":\"t\"", "\"t\"", 0);
	is_args(",\"args\":[1, [2]]", "1, [2]", 0);
	is_args(",\"args\":[]", "", 0);
	is_args(",\"base64\":\"AQID\"",
	    "{\"_placeholder\":true,\"num\":0}", 1);
	CHECK_STR(list, "[\"AQID\"]");
	is_args(",\"data\":[{\"_placeholder\":true,\"num\":1}],"
	    "\"attachments\":[\"AQ==\",\"Ag==\"]",
	    "[{\"_placeholder\":true,\"num\":1}]", 2);
	CHECK_STR(list, "[\"AQ==\",\"Ag==\"]");
}

TEST(wrong, "payloads that are none")
{
	CHECK(wrong("") != NULL);
	CHECK(wrong(",\"data\":1,\"text\":\"t\"") != NULL);
	CHECK(wrong(",\"data\":1,\"event\":1") != NULL);
	CHECK(wrong(",\"args\":{}") != NULL);
	CHECK(wrong(",\"base64\":\"A\"") != NULL);
	CHECK(wrong(",\"text\":1") != NULL);
	CHECK(wrong(",\"text\":\"t\",\"attachments\":[]") != NULL);
	CHECK(wrong(",\"data\":1,\"attachments\":{}") != NULL);
	CHECK(wrong(",\"data\":1,\"attachments\":[1]") != NULL);
	CHECK(wrong(",\"data\":{\"_placeholder\":true,\"num\":1},"
	    "\"attachments\":[\"AQ==\"]") != NULL);
	CHECK(wrong(",\"data\":1,\"attachments\":[\"\",\"\",\"\",\"\",\"\","
	    "\"\",\"\",\"\",\"\",\"\",\"\"]") != NULL);
}

static void
begin(void)
{
	buf_clear(&line);
	frame_begin(&line, "x");
}

/* What was added to the frame. */
static struct str
added(void)
{
	struct str s = buf_str(&line);

	return (struct str){ s.p + strlen("{\"type\":\"x\""),
	    s.n - strlen("{\"type\":\"x\"") };
}

static void
tells(size_t nargs, struct str arguments, size_t attachments, const char *want)
{
	struct sio_packet q = { .type = SIO_EVENT, .nargs = nargs,
	    .args = arguments, .attachments = attachments };

	begin();
	payload_of_socketio(&line, &q, attachments > 0 ? STR("[\"AQ==\"]") :
	    STR(""));
	CHECK_STR(added(), want);
}

TEST(told, "arguments and attachments, told in a frame")
{
	tells(1, STR("1.0"), 0, ",\"data\":1.0");
	tells(0, STR(""), 0, ",\"args\":[]");
	tells(2, STR("1,\n2"), 0, ",\"args\":[1, 2]");
	tells(1, STR("{\"_placeholder\":true,\"num\":0}"), 1,
	    ",\"base64\":\"AQ==\"");
	tells(1, STR("[{\"_placeholder\":true,\"num\":0}]"), 1,
	    ",\"data\":[{\"_placeholder\":true,\"num\":0}],"
	    "\"attachments\":[\"AQ==\"]");
}

static void
is_data(const char *keys, const char *want)
{
	wrong(keys);
	CHECK_STR(payload_as_socketcluster(&f, &scratch), want);
}

TEST(socketcluster, "SocketCluster's data, and none")
{
	is_data(",\"data\":null", "null");
	is_data(",\"text\":\"t\"", "\"t\"");
	is_data(",\"args\":[]", "");
	is_data(",\"args\":[ 1.0 ]", "1.0");
	is_data(",\"args\":[1,2]", "[1,2]");
	is_data(",\"base64\":\"AQ==\"", "{\"base64\":true,\"data\":\"AQ==\"}");
	is_data("", "");
	begin();
	payload_of_socketcluster(&line, STR(""));
	CHECK_STR(added(), ",\"args\":[]");
	begin();
	payload_of_socketcluster(&line, STR("{\r\n}"));
	CHECK_STR(added(), ",\"data\":{  }");
}
