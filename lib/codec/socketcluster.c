/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "socketcluster.h"

static const char *const names[SC_TYPES] = {
#define X(id, name)	[SC_##id] = name,
	SC_EVENTS(X)
#undef X
};

struct str
sc_ping(int protocol)
{
	return protocol == 1 ? STR("#1") : STR("");
}

struct str
sc_pong(int protocol)
{
	return protocol == 1 ? STR("#2") : STR("");
}

/* ---- reading --------------------------------------------------------- */

static struct str
inside(struct str quoted)
{
	return (struct str){ quoted.p + 1, quoted.n - 2 };
}

static int
is_key(const struct json_member *m, const char *name)
{
	return json_says(m->key, name);
}

static struct str
string_or_none(struct str value)
{
	return json_kind(value) == 's' ? value : STR("");
}

/* Data that has a channel, and more. */
static void
read_channel(struct sc_packet *p)
{
	struct json_walk w;
	struct json_member m;

	if (!json_walk(&w, p->data) || !w.object)
		return;
	while (json_next(&w, &m) == 1) {
		if (is_key(&m, "channel"))
			p->channel = string_or_none(m.value);
		else if (is_key(&m, "data"))
			p->payload = m.value;
		else if (is_key(&m, "waitForAuth"))
			p->waits = json_kind(m.value) == 't';
		else if (is_key(&m, "message"))
			p->reason = string_or_none(m.value);
	}
}

static void
read_disconnect(struct sc_packet *p)
{
	struct json_walk w;
	struct json_member m;

	if (!json_walk(&w, p->data) || !w.object)
		return;
	while (json_next(&w, &m) == 1) {
		if (is_key(&m, "data"))
			p->reason = string_or_none(m.value);
		else if (is_key(&m, "code") && !json_int(m.value, &p->code))
			p->code = 0;
	}
}

/* {"authToken":T}, {"token":T} */
static void
read_token(struct sc_packet *p, const char *key)
{
	struct json_walk w;
	struct json_member m;

	if (!json_walk(&w, p->data) || !w.object)
		return;
	while (json_next(&w, &m) == 1)
		if (is_key(&m, key))
			p->token = json_kind(m.value) == 'n' ? STR("") :
			    m.value;
}

/* What the data says, to who knows the event. */
static void
read_data(struct sc_packet *p, int protocol)
{
	if (p->data.n == 0)
		return;
	switch (p->type) {
	case SC_HANDSHAKE:
		read_token(p, "authToken");
		break;
	case SC_SET_TOKEN:
		read_token(p, "token");
		break;
	case SC_AUTHENTICATE:
		p->token = json_kind(p->data) == 'n' ? STR("") : p->data;
		break;
	case SC_UNSUBSCRIBE:
		p->channel = string_or_none(p->data);
		break;
	case SC_SUBSCRIBE:
		if (protocol == 1 && json_kind(p->data) == 's')
			p->channel = p->data;
		else
			read_channel(p);
		break;
	case SC_PUBLISH:
	case SC_KICK_OUT:
		read_channel(p);
		break;
	case SC_DISCONNECT:
		read_disconnect(p);
		break;
	default:
		break;
	}
}

static enum sc_type
type_of(struct str event)
{
	int i;

	for (i = SC_EVENT + 1; i < SC_TYPES; i++)
		if (json_says(inside(event), names[i]))
			return (enum sc_type)i;
	return SC_EVENT;
}

static struct str
number_or_none(struct str value)
{
	return json_kind(value) == '0' ? value : STR("");
}

/* One element; it is checked JSON. */
static void
read_packet(struct sc_packet *p, int protocol, struct str object)
{
	struct str cid = STR(""), rid = STR("");
	struct json_walk w;
	struct json_member m;

	*p = (struct sc_packet){ .type = SC_RAW };
	if (!json_walk(&w, object) || !w.object)
		return;
	while (json_next(&w, &m) == 1) {
		if (is_key(&m, "event"))
			p->event = string_or_none(m.value);
		else if (is_key(&m, "data"))
			p->data = m.value;
		else if (is_key(&m, "cid"))
			cid = number_or_none(m.value);
		else if (is_key(&m, "rid"))
			rid = number_or_none(m.value);
		else if (is_key(&m, "error"))
			p->error = json_kind(m.value) == 'n' ? STR("") :
			    m.value;
	}
	if (p->event.n > 0) {
		p->type = type_of(p->event);
		p->id = cid;
		p->error = STR("");
		read_data(p, protocol);
	} else if (rid.n > 0) {
		p->type = SC_ANSWER;
		p->id = rid;
	}
}

int
sc_begin(struct sc_message *s, int protocol, struct str text)
{
	const char *why;

	*s = (struct sc_message){ .protocol = protocol };
	text = json_trim(text);
	if (text.n == 0 || (text.p[0] != '{' && text.p[0] != '[') ||
	    !json_check(text, &why))
		return 0;
	if (text.p[0] == '{')
		s->one = text;
	else
		json_walk(&s->batch, text);
	return 1;
}

int
sc_next(struct sc_message *s, struct sc_packet *p)
{
	struct json_member m;

	if (s->one.n > 0) {
		read_packet(p, s->protocol, s->one);
		s->one.n = 0;
		return 1;
	}
	if (s->batch.p == NULL || json_next(&s->batch, &m) != 1)
		return 0;
	read_packet(p, s->protocol, m.value);
	return 1;
}

int
sc_read_status(struct sc_status *s, struct str data)
{
	struct json_walk w;
	struct json_member m;

	*s = (struct sc_status){ .id = STR(""), .error = STR("") };
	if (data.n == 0 || !json_walk(&w, data) || !w.object)
		return -1;
	while (json_next(&w, &m) == 1) {
		if (is_key(&m, "id") && json_kind(m.value) == 's')
			s->id = inside(m.value);
		else if (is_key(&m, "pingTimeout") &&
		    !json_int(m.value, &s->ping_timeout))
			s->ping_timeout = 0;
		else if (is_key(&m, "isAuthenticated"))
			s->authenticated = json_kind(m.value) == 't';
		else if (is_key(&m, "authError"))
			s->error = json_kind(m.value) == 'n' ? STR("") :
			    m.value;
	}
	return s->ping_timeout > 0 ? 1 : -1;
}

/* ---- writing --------------------------------------------------------- */

/* The next member of an object, if there is a value. */
static void
member(struct buf *b, const char *key, struct str value)
{
	if (value.n == 0)
		return;
	if (b->data[b->len - 1] != '{')
		buf_addc(b, ',');
	buf_addc(b, '"');
	buf_adds(b, str_of(key));
	buf_adds(b, STR("\":"));
	buf_adds(b, value);
}

/* "{", with room for all of it. */
static int
object(struct buf *b, size_t room)
{
	return buf_room(b, room + 256) == 1 ? buf_addc(b, '{') : -1;
}

int
sc_write(struct buf *b, int protocol, int server, const struct sc_packet *p)
{
	int early = server && protocol == 2;

	if (object(b, p->event.n + p->data.n + p->id.n + p->error.n) == -1)
		return -1;
	if (p->type == SC_ANSWER) {
		member(b, "rid", p->id);
		member(b, "error", p->error);
		member(b, "data", p->data);
		return buf_addc(b, '}');
	}
	if (p->type == SC_EVENT)
		member(b, "event", p->event);
	else {
		buf_adds(b, STR("\"event\":\""));
		buf_adds(b, str_of(names[p->type]));
		buf_addc(b, '"');
	}
	if (early)
		member(b, "cid", p->id);
	member(b, "data", p->data);
	if (!early)
		member(b, "cid", p->id);
	return buf_addc(b, '}');
}

int
sc_write_error(struct buf *b, struct str message, struct str name)
{
	if (object(b, message.n + name.n) == -1)
		return -1;
	member(b, "message", message);
	member(b, "name", name);
	return buf_addc(b, '}');
}

static struct str
none_is_null(struct str value)
{
	return value.n > 0 ? value : STR("null");
}

static struct str
boolean(int yes)
{
	return yes ? STR("true") : STR("false");
}

int
sc_write_handshake(struct buf *b, struct str token)
{
	if (object(b, token.n) == -1)
		return -1;
	member(b, "authToken", none_is_null(token));
	return buf_addc(b, '}');
}

int
sc_write_status(struct buf *b, const struct sc_status *s)
{
	if (object(b, s->id.n + s->error.n) == -1)
		return -1;
	buf_adds(b, STR("\"id\":\""));
	buf_adds(b, s->id);
	buf_adds(b, STR("\",\"pingTimeout\":"));
	buf_addn(b, s->ping_timeout);
	member(b, "authError", s->error);
	member(b, "isAuthenticated", boolean(s->authenticated));
	return buf_addc(b, '}');
}

int
sc_write_channel(struct buf *b, const struct sc_packet *p)
{
	if (object(b, p->channel.n + p->payload.n) == -1)
		return -1;
	member(b, "channel", p->channel);
	if (p->waits)
		member(b, "waitForAuth", boolean(1));
	member(b, "data", p->payload);
	return buf_addc(b, '}');
}

int
sc_write_kick(struct buf *b, int protocol, struct str channel,
    struct str reason)
{
	if (object(b, channel.n + reason.n) == -1)
		return -1;
	if (protocol == 1)
		member(b, "message", reason);
	member(b, "channel", channel);
	if (protocol != 1)
		member(b, "message", reason);
	return buf_addc(b, '}');
}

int
sc_write_token(struct buf *b, struct str token)
{
	if (object(b, token.n) == -1)
		return -1;
	member(b, "token", token);
	return buf_addc(b, '}');
}

int
sc_write_auth(struct buf *b, int authenticated, struct str error)
{
	if (object(b, error.n) == -1)
		return -1;
	member(b, "isAuthenticated", boolean(authenticated));
	member(b, "authError", none_is_null(error));
	return buf_addc(b, '}');
}

/* The day that is so many days after 1970-01-01, as year * 10000 + month * 100
 * + day: an era is the 146097 days of 400 years that begin in March. */
static int64_t
calendar(int64_t days)
{
	int64_t z = days + 719468, era = z / 146097, d = z % 146097,
	    y = (d - d / 1460 + d / 36524 - d / 146096) / 365, m;

	d -= 365 * y + y / 4 - y / 100;
	m = (5 * d + 2) / 153;
	d -= (153 * m + 2) / 5;
	m += m < 10 ? 3 : -9;
	return (y + era * 400 + (m <= 2)) * 10000 + m * 100 + d + 1;
}

/* "2026-11-21T04:33:04.000Z"; null of a time that no calendar has. */
static void
date(struct buf *b, const char *key, int64_t at)
{
	char text[64];
	int64_t day, s = at % 86400;

	if (at < 0 || at > 253402300799) {
		member(b, key, STR("null"));
		return;
	}
	day = calendar(at / 86400);
	snprintf(text, sizeof text, "\"%04d-%02d-%02dT%02d:%02d:%02d.000Z\"",
	    (int)(day / 10000), (int)(day / 100 % 100), (int)(day % 100),
	    (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
	member(b, key, str_of(text));
}

int
sc_write_wrong(struct buf *b, enum sc_wrong wrong, const char *message,
    int64_t at)
{
	static const char *const kinds[] = { "\"AuthTokenInvalidError\"",
	    "\"AuthTokenExpiredError\"", "\"AuthTokenNotBeforeError\"",
	    "\"AuthTokenError\"" };

	if (object(b, strlen(message)) == -1)
		return -1;
	buf_adds(b, STR("\"message\":\""));
	buf_adds(b, str_of(message));
	buf_addc(b, '"');
	member(b, "name", str_of(kinds[wrong]));
	if (wrong == SC_EXPIRED)
		date(b, "expiry", at);
	else if (wrong == SC_EARLY)
		date(b, "date", at);
	member(b, "isBadToken", boolean(wrong != SC_EARLY));
	return buf_addc(b, '}');
}
