/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "frame.h"

const char *const frame_keys[FRAME_NKEYS] = {
#define X(id, word)	[K_##id] = word,
	FRAME_KEYS(X)
#undef X
};

const char *const frame_types[FRAME_NTYPES] = {
	[T_UNKNOWN] = "?",
#define X(id, word)	[T_##id] = word,
	FRAME_TYPES(X)
#undef X
};

/*
 * Words to numbers: open addressing, filled at first use.  A slot holds the
 * number plus one; 0 is empty.
 */
#define SLOTS	256		/* a power of two, well above the words */

struct words {
	const char *const *word;
	int from, count;	/* numbers in use */
	int filled;
	unsigned char slot[SLOTS];
	unsigned char length[SLOTS];
};

static struct words keys = { .word = frame_keys, .count = FRAME_NKEYS };
static struct words types = { .word = frame_types, .from = 1,
    .count = FRAME_NTYPES };

static unsigned
hash(struct str s)
{
	unsigned char a = (unsigned char)s.p[0],
	    b = (unsigned char)s.p[s.n - 1], c = (unsigned char)s.p[s.n / 2];

	return (a * 7u + b * 31u + c * 131u + (unsigned)s.n * 17u) % SLOTS;
}

static void
words_fill(struct words *w)
{
	unsigned h;
	int i;

	for (i = w->from; i < w->count; i++) {
		h = hash(str_of(w->word[i]));
		while (w->slot[h] != 0)
			h = (h + 1) % SLOTS;
		w->slot[h] = (unsigned char)(i + 1);
		w->length[h] = (unsigned char)strlen(w->word[i]);
	}
	w->filled = 1;
}

static int
words_find(struct words *w, struct str s)
{
	unsigned h;

	if (!w->filled)
		words_fill(w);
	if (s.n == 0)
		return -1;
	for (h = hash(s); w->slot[h] != 0; h = (h + 1) % SLOTS)
		if (w->length[h] == s.n &&
		    memcmp(w->word[w->slot[h] - 1], s.p, s.n) == 0)
			return w->slot[h] - 1;
	return -1;
}

int
frame_key(struct str s)
{
	return words_find(&keys, s);
}

enum type
frame_type(struct str s)
{
	int t = words_find(&types, s);

	return t < 0 ? T_UNKNOWN : (enum type)t;
}

/* The longest a word of the vocabulary can be spelled, \uXXXX all through. */
#define SPELLED		96

/* A key or word that is spelled with escapes. */
static struct str
decoded(struct str raw, char room[static SPELLED])
{
	struct buf b = { .data = room, .cap = SPELLED, .max = SPELLED };

	if (raw.n > SPELLED || json_unquote(&b, raw) == -1)
		return raw;
	return buf_str(&b);
}

static struct str
inside(struct str quoted)
{
	return (struct str){ quoted.p + 1, quoted.n - 2 };
}

static int
has_escape(struct str raw)
{
	return memchr(raw.p, '\\', raw.n) != NULL;
}

static enum type
type_of(struct str value)
{
	char room[SPELLED];
	struct str raw;

	if (json_kind(value) != 's')
		return T_UNKNOWN;
	raw = inside(value);
	return frame_type(has_escape(raw) ? decoded(raw, room) : raw);
}

static int
is_null(struct str v)
{
	return v.n == 4 && v.p[0] == 'n';
}

int
frame_scan(struct frame *f, struct str line, const char **why)
{
	char room[SPELLED];
	struct json_walk w;
	struct json_member m;
	int k, more;

	memset(f, 0, sizeof *f);
	f->line = json_trim(line);
	if (!json_walk(&w, f->line) || !w.object) {
		*why = "not an object";
		return -1;
	}
	while ((more = json_next(&w, &m)) == 1) {
		k = frame_key(m.escaped ? decoded(m.key, room) : m.key);
		if (k < 0 || (is_null(m.value) && k != K_DATA))
			continue;
		if (f->v[k].p != NULL) {
			*why = "a key comes twice";
			return -1;
		}
		f->v[k] = m.value;
	}
	if (more == -1) {
		*why = w.why;
		return -1;
	}
	if (frame_has(f, K_TYPE))
		f->type = type_of(f->v[K_TYPE]);
	return 1;
}

int
frame_int(const struct frame *f, enum key k, int64_t *n)
{
	return frame_has(f, k) && json_int(f->v[k], n);
}

int
frame_true(const struct frame *f, enum key k)
{
	return frame_has(f, k) && f->v[k].p[0] == 't';
}

int
frame_str(const struct frame *f, enum key k, struct buf *b, struct str *out)
{
	struct str raw;

	if (!frame_has(f, k) || json_kind(f->v[k]) != 's')
		return 0;
	raw = inside(f->v[k]);
	if (raw.n <= b->max && !has_escape(raw)) {
		*out = raw;
		return 1;
	}
	buf_clear(b);
	if (json_unquote(b, raw) == -1)
		return 0;
	*out = buf_str(b);
	return 1;
}

int
frame_payload(const struct frame *f, const char **why)
{
	static const enum key kinds[] = { K_DATA, K_TEXT, K_BASE64, K_ARGS };
	int found = -1;
	size_t i;

	*why = "no payload";
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!frame_has(f, kinds[i]))
			continue;
		if (found != -1) {
			*why = "more than one payload";
			return -1;
		}
		found = (int)kinds[i];
	}
	return found;
}

/* Writing.  A buf that was full stays marked by a length of zero: every
 * frame_ call then leaves it alone, and frame_end() says so. */
static int
opened(struct buf *b, const char *key)
{
	if (buf_size(b) == 0)
		return 0;
	if (buf_adds(b, STR(",\"")) == 1 && buf_adds(b, str_of(key)) == 1 &&
	    buf_adds(b, STR("\":")) == 1)
		return 1;
	buf_clear(b);
	return 0;
}

static void
added(struct buf *b, int result)
{
	if (result != 1)
		buf_clear(b);
}

void
frame_begin(struct buf *b, const char *type)
{
	buf_clear(b);
	added(b, buf_adds(b, STR("{\"type\":\"")) == 1 &&
	    buf_adds(b, str_of(type)) == 1 && buf_addc(b, '"') == 1);
}

void
frame_raw(struct buf *b, const char *key, struct str json)
{
	if (opened(b, key))
		added(b, buf_adds(b, json));
}

void
frame_text(struct buf *b, const char *key, struct str utf8)
{
	if (opened(b, key))
		added(b, json_quote(b, utf8));
}

void
frame_num(struct buf *b, const char *key, int64_t n)
{
	if (opened(b, key))
		added(b, buf_addn(b, n));
}

void
frame_flag(struct buf *b, const char *key)
{
	frame_raw(b, key, STR("true"));
}

int
frame_end(struct buf *b)
{
	if (buf_size(b) == 0)
		return -1;
	if (buf_addc(b, '}') == 1)
		return 1;
	buf_clear(b);
	return -1;
}

/* A line holds no newline: between tokens it was space, and stays one. */
static void
flatten(char *p, size_t n)
{
	char *end = p + n, *hit;

	for (hit = p; (hit = memchr(hit, '\n', (size_t)(end - hit))); )
		*hit = ' ';
	for (hit = p; (hit = memchr(hit, '\r', (size_t)(end - hit))); )
		*hit = ' ';
}

void
frame_json(struct buf *b, const char *key, struct str json)
{
	frame_raw(b, key, json);
	if (buf_size(b) > 0)
		flatten(b->data + b->len - json.n, json.n);
}

void
frame_more(struct buf *b, struct str json)
{
	if (buf_size(b) == 0)
		return;
	added(b, buf_adds(b, json));
	if (buf_size(b) > 0)
		flatten(b->data + b->len - json.n, json.n);
}

int
frame_add_text(struct buf *b, struct str utf8)
{
	const char *why;

	if (json_check(utf8, &why))
		frame_json(b, "data", utf8);
	else
		frame_text(b, "text", utf8);
	return buf_size(b) > 0 ? 1 : -1;
}

int
frame_add_binary(struct buf *b, struct str bytes, int json)
{
	const char *why;

	if (json && json_check(bytes, &why))	/* then it is UTF-8 */
		frame_json(b, "data", bytes);
	else if (json && utf8_check(bytes))
		frame_text(b, "text", bytes);
	else if (opened(b, "base64") && (buf_addc(b, '"') == -1 ||
	    base64_encode(b, bytes) == -1 || buf_addc(b, '"') == -1))
		buf_clear(b);
	return buf_size(b) > 0 ? 1 : -1;
}

int
frame_payload_bytes(const struct frame *f, struct buf *b, int *binary)
{
	const char *why;
	int k = frame_payload(f, &why);

	*binary = k == K_BASE64;
	if (k == -1)
		return 0;
	if (k == K_DATA || k == K_ARGS)
		return buf_adds(b, f->v[k]);
	if (json_kind(f->v[k]) != 's')
		return 0;
	if (k == K_TEXT)
		return json_unquote(b, inside(f->v[k]));
	return base64_decode(b, inside(f->v[k]));
}

static const char digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
base64_encode(struct buf *b, struct str s)
{
	const unsigned char *u = (const unsigned char *)s.p;
	unsigned long x;
	size_t i, left;
	char *o;

	if (buf_room(b, (s.n + 2) / 3 * 4) == -1)
		return -1;
	if (s.n == 0)
		return 1;
	o = b->data + b->len;
	for (i = 0; i < s.n; i += 3, o += 4) {
		left = s.n - i;
		x = (unsigned long)u[i] << 16;
		if (left > 1)
			x |= (unsigned long)u[i + 1] << 8;
		if (left > 2)
			x |= u[i + 2];
		o[0] = digits64[x >> 18];
		o[1] = digits64[x >> 12 & 63];
		o[2] = left > 1 ? digits64[x >> 6 & 63] : '=';
		o[3] = left > 2 ? digits64[x & 63] : '=';
	}
	b->len = (size_t)(o - b->data);
	return 1;
}

static int
digit64(char c)
{
	const char *hit = c ? strchr(digits64, c) : NULL;

	return hit ? (int)(hit - digits64) : -1;
}

int
base64_decode(struct buf *b, struct str s)
{
	size_t before = b->len - b->pos, i, n, pad = 0;
	unsigned long x;
	char out[3];
	int d, j;

	if (s.n % 4 != 0)
		return 0;
	while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
		pad++;
	if (buf_room(b, s.n / 4 * 3 - pad) == -1)
		return -1;
	for (i = 0; i < s.n; i += 4) {
		for (x = 0, j = 0; j < 4; j++) {
			d = i + (size_t)j >= s.n - pad ? 0 :
			    digit64(s.p[i + (size_t)j]);
			if (d < 0)
				goto bad;
			x = x << 6 | (unsigned long)d;
		}
		out[0] = (char)(x >> 16);
		out[1] = (char)(x >> 8);
		out[2] = (char)x;
		n = i + 4 == s.n ? 3 - pad : 3;
		if (n < 3 && (x & (n == 2 ? 0xff : 0xffff)) != 0)
			goto bad;	/* bits that no byte holds */
		buf_add(b, out, n);
	}
	return 1;
bad:
	b->len = b->pos + before;
	return 0;
}
