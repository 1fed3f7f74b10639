/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "far.h"
#include "voice.h"

#define BUCKETS		4096
#define URL_MAX_BYTES	4096
#define HEADERS_MAX	32
#define REFUSAL_MAX	(64 << 10)	/* of a server, in bytes */

static struct far *buckets[BUCKETS];
static size_t count;

/* FNV-1a. */
static size_t
bucket(struct str s)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return h % BUCKETS;
}

struct far *
far_find(struct str conn)
{
	struct far *f;

	for (f = buckets[bucket(conn)]; f != NULL; f = f->next)
		if (!f->hangup && str_eq(str_of(f->conn), conn))
			return f;
	return NULL;
}

size_t
far_count(void)
{
	return count;
}

struct far *
far_next(const struct far *f)
{
	size_t i = 0;

	if (f != NULL && f->next != NULL)
		return f->next;
	if (f != NULL)
		i = bucket(str_of(f->conn)) + 1;
	for (; i < BUCKETS; i++)
		if (buckets[i] != NULL)
			return buckets[i];
	return NULL;
}

static int
has_control(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return 1;
	return 0;
}

char *
far_word(const struct frame *f, enum key k, size_t max)
{
	struct buf b = BUF(max);
	struct str s;
	char *copy = NULL;

	if (frame_str(f, k, &b, &s) && s.n <= max && !has_control(s))
		copy = mem_strn(s.p, s.n);
	buf_free(&b);
	return copy;
}

int
far_same(const struct far *f, const struct frame *dial)
{
	char *url = far_word(dial, K_URL, URL_MAX_BYTES);
	int same = url != NULL && strcmp(url, f->url) == 0;

	free(url);
	return same;
}

/* "Name: value" of a member of headers; NULL: it cannot be one. */
static char *
header(const struct json_member *m)
{
	struct buf b = BUF(URL_MAX_BYTES);
	struct str value = { m->value.p + 1, m->value.n - 2 };
	char *copy = NULL;
	size_t i;

	if (json_kind(m->value) != 's' || m->escaped || m->key.n == 0)
		return NULL;
	for (i = 0; i < m->key.n; i++)		/* RFC 9110, 5.6.2 */
		if (strchr("()<>@,;:\\/[]?={} \t", m->key.p[i]) != NULL ||
		    (unsigned char)m->key.p[i] > 0x7e)
			return NULL;
	if (buf_adds(&b, m->key) == 1 && buf_adds(&b, STR(": ")) == 1 &&
	    json_unquote(&b, value) == 1 && !has_control(buf_str(&b)))
		copy = mem_strn(b.data, b.len);
	buf_free(&b);
	return copy;
}

static int
add_headers(struct far *f, struct str object)
{
	struct json_walk w;
	struct json_member m;
	size_t n = 0;

	f->headers = mem_new((HEADERS_MAX + 1) * sizeof *f->headers);
	if (object.p == NULL)
		return 1;
	if (!json_walk(&w, object) || !w.object)
		return 0;
	while (json_next(&w, &m) == 1) {
		if (n == HEADERS_MAX || (f->headers[n] = header(&m)) == NULL)
			return 0;
		n++;
	}
	return 1;
}

/* ---- channels ------------------------------------------------------- */

struct channel *
far_channel(const struct far *f, struct str quoted)
{
	size_t i;

	for (i = 0; i < f->nchannels; i++)
		if (str_eq(str_of(f->channels[i].name), quoted))
			return &f->channels[i];
	return NULL;
}

int
far_join(struct far *f, struct str quoted)
{
	if (far_channel(f, quoted) != NULL)
		return 0;
	if (f->nchannels == CHANNELS_MAX)
		return -1;
	f->channels = mem_grow(f->channels,
	    (f->nchannels + 1) * sizeof *f->channels);
	f->channels[f->nchannels++] = (struct channel){
	    mem_strn(quoted.p, quoted.n), -1 };
	return 1;
}

int
far_leave(struct far *f, struct str quoted)
{
	struct channel *c = far_channel(f, quoted);

	if (c == NULL)
		return 0;
	free(c->name);
	f->nchannels--;
	memmove(c, c + 1, (size_t)(f->channels + f->nchannels - c) *
	    sizeof *c);
	return 1;
}

/* ---- what a dial says ------------------------------------------------ */

static int
add_channels(struct far *f, struct str array)
{
	struct json_walk w;
	struct json_member m;
	struct buf name = BUF(NAME_MAX_BYTES), quoted = BUF(4096);
	int sound = json_walk(&w, array) && !w.object;

	while (sound && json_next(&w, &m) == 1) {
		buf_clear(&name);
		buf_clear(&quoted);
		sound = json_kind(m.value) == 's' && json_unquote(&name,
		    (struct str){ m.value.p + 1, m.value.n - 2 }) == 1 &&
		    !has_control(buf_str(&name)) &&
		    json_quote(&quoted, buf_str(&name)) == 1 &&
		    far_join(f, buf_str(&quoted)) != -1;
	}
	buf_free(&name);
	buf_free(&quoted);
	return sound;
}

static const struct proto {
	const char *word;
	const struct voice *voice;
	int version;		/* of what it is spoken on */
} protos[] = {
	{ "raw", &raw_voice, 0 }, { "socketio", &socketio_voice, 4 },
	{ "socketio4", &socketio_voice, 4 },
	{ "socketio3", &socketio_voice, 4 },
	{ "socketio2", &socketio_voice, 3 }, { "echo", &echo_voice, 3 },
	{ "socketcluster", &socketcluster_voice, 2 },
	{ "socketcluster1", &socketcluster_voice, 1 }, { NULL, NULL, 0 }
};

static const struct proto *
find_proto(const struct frame *dial)
{
	const struct proto *p = protos;
	char *w;

	if (!frame_has(dial, K_PROTO))
		return p;
	w = far_word(dial, K_PROTO, NAME_MAX_BYTES);
	while (w != NULL && p->word != NULL && strcmp(p->word, w) != 0)
		p++;
	free(w);
	return w == NULL || p->word == NULL ? NULL : p;
}

/* Who it is, and where it listens. */
static const char *
read_speech(struct far *f, const struct frame *dial)
{
	struct str auth = dial->v[K_AUTH];

	if (frame_has(dial, K_SUBSCRIBE) && (f->voice->member == NULL ||
	    !add_channels(f, dial->v[K_SUBSCRIBE])))
		return "subscribe: up to 64 channels, where there are any";
	if (auth.p != NULL && (json_kind(auth) != 'o' || auth.n > AUTH_MAX))
		return "auth: not an object of up to 4 KiB";
	if (auth.p != NULL)
		f->auth = mem_strn(auth.p, auth.n);
	return NULL;
}

static const char *
read_dial(struct far *f, const struct frame *dial)
{
	const struct proto *proto = find_proto(dial);
	const char *why;

	if ((f->conn = far_word(dial, K_CONN, NAME_MAX_BYTES)) == NULL)
		return "conn: missing, or no name";
	if ((f->url = far_word(dial, K_URL, URL_MAX_BYTES)) == NULL)
		return "url: missing, or no URL";
	if (proto == NULL)
		return "proto: no dialect that is spoken";
	f->voice = proto->voice;
	if ((why = read_speech(f, dial)) != NULL ||
	    (why = f->voice->begin(f, dial, proto->version)) != NULL)
		return why;
	target_open(&f->target, f->dialled);
	f->user = far_word(dial, K_USER, NAME_MAX_BYTES);
	if (f->user == NULL && frame_has(dial, K_USER))
		return "user: no name";
	f->protocol = far_word(dial, K_PROTOCOL, NAME_MAX_BYTES);
	if (f->protocol == NULL && frame_has(dial, K_PROTOCOL))
		return "protocol: no name";
	if (!add_headers(f, dial->v[K_HEADERS]))
		return "headers: not an object of header fields";
	return NULL;
}

static void
release(struct far *f)
{
	char **h;

	for (h = f->headers; h != NULL && *h != NULL; h++)
		free(*h);
	free(f->headers);
	while (f->nchannels > 0)
		free(f->channels[--f->nchannels].name);
	free(f->channels);
	if (f->voice != NULL && f->voice->end != NULL)
		f->voice->end(f);
	buf_free(&f->ending.refusal);
	free(f->dialled);
	free(f->auth);
	free(f->conn);
	free(f->user);
	free(f->url);
	target_close(&f->target);
	free(f->protocol);
	free(f);
}

struct far *
far_new(const struct frame *dial, const char **why)
{
	struct far *f = mem_new(sizeof *f), **at;

	f->held_end = &f->held;
	f->ending.refusal.max = REFUSAL_MAX;
	*why = read_dial(f, dial);
	if (*why != NULL) {
		release(f);
		return NULL;
	}
	at = &buckets[bucket(str_of(f->conn))];
	f->next = *at;
	*at = f;
	count++;
	return f;
}

void
far_free(struct far *f)
{
	struct far **at = &buckets[bucket(str_of(f->conn))];

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	far_hangup(f);
	release(f);
}

void
far_hangup(struct far *f)
{
	count -= !f->hangup;
	f->hangup = 1;
}

void
far_hold(struct far *f, struct ws_msg *msg, struct taken *taken)
{
	struct held *h = mem_new(sizeof *h);

	h->msg = msg;
	h->taken = taken;
	f->held_bytes += ws_msg_size(msg);
	*f->held_end = h;
	f->held_end = &h->next;
}

void
far_unhold(struct far *f)
{
	struct held *h = f->held;

	f->held = h->next;
	if (f->held == NULL)
		f->held_end = &f->held;
	f->held_bytes -= ws_msg_size(h->msg);
	ws_msg_drop(h->msg);
	free(h);
}
