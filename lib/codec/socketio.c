/* SPDX-License-Identifier: ISC */
#include "frame.h"
#include "json.h"
#include "socketio.h"

#define ID_DIGITS	15		/* a double holds them */

static struct str
from(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

/* ---- reading --------------------------------------------------------- */

/* Digits at the front, as a number: how many there were. */
static size_t
digits(struct str s, int64_t *n)
{
	size_t i = 0;

	for (*n = 0; i < s.n && i < ID_DIGITS && s.p[i] >= '0' &&
	    s.p[i] <= '9'; i++)
		*n = *n * 10 + (s.p[i] - '0');
	return i;
}

/* "2-" behind the type of a binary packet. */
static int
read_attachments(struct sio_packet *p, struct str *s)
{
	int64_t n;
	size_t i;

	if (p->type != SIO_BINARY_EVENT && p->type != SIO_BINARY_ACK)
		return 1;
	p->type = p->type == SIO_BINARY_EVENT ? SIO_EVENT : SIO_ACK;
	i = digits(*s, &n);
	if (i == 0 || i == s->n || s->p[i] != '-' || n > SIO_ATTACHMENTS)
		return -1;
	p->attachments = (size_t)n;
	*s = from(*s, i + 1);
	return 1;
}

/* "/admin,", of an old client also "/admin?tok=1,". */
static void
read_namespace(struct sio_packet *p, int version, struct str *s)
{
	const char *comma, *mark;

	p->ns = STR("/");
	if (s->n == 0 || s->p[0] != '/')
		return;
	comma = memchr(s->p, ',', s->n);
	p->ns = (struct str){ s->p, comma == NULL ? s->n :
	    (size_t)(comma - s->p) };
	*s = from(*s, p->ns.n + (comma != NULL));
	mark = version == 3 ? memchr(p->ns.p, '?', p->ns.n) : NULL;
	if (mark != NULL) {
		p->query = from(p->ns, (size_t)(mark + 1 - p->ns.p));
		p->ns.n = (size_t)(mark - p->ns.p);
	}
}

static void
add_argument(struct sio_packet *p, struct str value)
{
	if (p->nargs++ == 0)
		p->args = value;
	else
		p->args.n = (size_t)(value.p + value.n - p->args.p);
}

/* Whether a quoted string is this name. */
static int
is_name(struct str quoted, const char *name)
{
	return json_says((struct str){ quoted.p + 1, quoted.n - 2 }, name);
}

/* Names that the library keeps for itself. */
static int
is_reserved(struct str quoted)
{
	static const char *const names[] = { "connect", "connect_error",
	    "disconnect", "disconnecting", "newListener", "removeListener" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (is_name(quoted, names[i]))
			return 1;
	return 0;
}

/* What the first element of an event's array is. */
static int
read_name(struct sio_packet *p, int version, struct str value)
{
	switch (json_kind(value)) {
	case 's':
		p->event = value;
		return !is_reserved(value) ? 1 : version == 3 ? 0 : -1;
	case '0':
		return 0;		/* nobody listens to a number */
	default:
		return version == 3 ? 0 : -1;
	}
}

static int
read_array(struct sio_packet *p, int version)
{
	struct json_walk w;
	struct json_member m;
	int r, verdict = 1, first = p->type == SIO_EVENT;

	if (!json_walk(&w, p->data) || w.object)
		return -1;
	while ((r = json_next(&w, &m)) == 1) {
		if (!first)
			add_argument(p, m.value);
		else
			verdict = read_name(p, version, m.value);
		first = 0;
	}
	if (r == -1 || first)		/* no JSON; [] */
		return -1;
	return verdict;
}

static int
read_json(struct sio_packet *p, int version)
{
	const char *why;

	switch (p->type) {
	case SIO_EVENT:
		return p->data.n == 0 ? 0 : read_array(p, version);
	case SIO_ACK:
		if (p->data.n == 0 || p->id == -1)
			return 0;
		return read_array(p, version);
	case SIO_CONNECT:
		if (p->data.n > 0 && version == 4 && json_kind(p->data) != 'o')
			return -1;
		break;
	case SIO_DISCONNECT:
		if (p->data.n > 0 && version == 4)
			return -1;
		break;
	default:
		break;
	}
	return p->data.n == 0 || json_check(p->data, &why) ? 1 : -1;
}

int
sio_read(struct sio_packet *p, int version, struct str s)
{
	size_t n;
	int r;

	*p = (struct sio_packet){ .id = -1 };
	if (s.n == 0)
		return -1;
	if (s.p[0] < '0' || s.p[0] > '0' + SIO_BINARY_ACK)
		return version == 3 && s.p[0] >= '0' && s.p[0] <= '9' ? 0 : -1;
	p->type = (enum sio_type)(s.p[0] - '0');
	s = from(s, 1);
	if (read_attachments(p, &s) == -1)
		return -1;
	read_namespace(p, version, &s);
	n = digits(s, &p->id);
	if (n == 0)
		p->id = -1;
	p->data = json_trim(from(s, n));
	r = read_json(p, version);
	if (r == 1 && p->attachments > 0 &&
	    !sio_placeholders(p->args, p->attachments))
		return -1;
	return r;
}

/* ---- writing --------------------------------------------------------- */

static void
write_array(struct buf *b, const struct sio_packet *p)
{
	buf_addc(b, '[');
	buf_adds(b, p->event);
	if (p->event.n > 0 && p->args.n > 0)
		buf_addc(b, ',');
	buf_adds(b, p->args);
	buf_addc(b, ']');
}

/* The length says whether all of it was added. */
static size_t
length(const struct sio_packet *p, size_t head)
{
	return head + (p->data.n > 0 ? p->data.n : p->event.n + p->args.n);
}

int
sio_write(struct buf *b, const struct sio_packet *p)
{
	int type = p->type + (p->attachments > 0 ? SIO_BINARY_EVENT -
	    SIO_EVENT : 0);

	if (buf_room(b, length(p, 64 + p->ns.n)) == -1)
		return -1;
	buf_addc(b, (char)('0' + type));
	if (p->attachments > 0) {
		buf_addn(b, (int64_t)p->attachments);
		buf_addc(b, '-');
	}
	if (p->ns.n > 1) {
		buf_adds(b, p->ns);
		buf_addc(b, ',');
	}
	if (p->id >= 0)
		buf_addn(b, p->id);
	if (p->data.n > 0)
		buf_adds(b, p->data);
	else if (p->event.n > 0 || p->type == SIO_ACK)
		write_array(b, p);
	return 1;
}

/* ---- placeholders ---------------------------------------------------- */

/* The objects around the place we are at, and what they said so far. */
struct level {
	unsigned char object, placeholder;
	int64_t num;			/* -1: none */
};

/* The end of the string that begins at p, in checked JSON. */
static const char *
string_end(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

/* A string at p: when it is a key that a placeholder has, its value is
 * noted.  The last one of equal keys counts, as in the reader's parser. */
static const char *
note(struct level *l, const char *p, const char *end)
{
	const char *after = string_end(p), *value, *why;
	struct str key = { p, (size_t)(after - p) }, v;

	value = json_space(after, end);
	if (!l->object || value == end || *value != ':')
		return after;
	value = json_space(value + 1, end);
	if (is_name(key, "_placeholder"))
		l->placeholder = *value == 't';
	else if (is_name(key, "num")) {
		l->num = -1;
		v = (struct str){ value, 0 };
		if (*value >= '0' && *value <= '9')
			v.n = (size_t)(json_end(value, end, &why, NULL) -
			    value);
		if (v.n > 0 && !json_int(v, &l->num))
			l->num = INT64_MAX;
	}
	return value;
}

int
sio_placeholders(struct str args, size_t attachments)
{
	struct level levels[JSON_DEPTH + 2], *l = levels;
	const char *p = args.p, *end = p + args.n;

	*l = (struct level){ .num = -1 };
	while (p < end) {
		switch (*p) {
		case '{':
		case '[':
			if (l == levels + JSON_DEPTH + 1)
				return 0;
			*++l = (struct level){ *p == '{', 0, -1 };
			p++;
			break;
		case '}':
		case ']':
			if (l->placeholder && (l->num < 0 ||
			    l->num >= (int64_t)attachments))
				return 0;
			l--;
			p++;
			break;
		case '"':
			p = note(l, p, end);
			break;
		default:
			p++;
		}
	}
	return 1;
}

int
sio_is_placeholder(struct str value)
{
	struct json_walk w;
	struct json_member m;
	int flag = 0, num = 0, others = 0;

	if (!json_walk(&w, value) || !w.object)
		return 0;
	while (json_next(&w, &m) == 1) {
		if (str_eq(m.key, STR("_placeholder")))
			flag = json_kind(m.value) == 't';
		else if (str_eq(m.key, STR("num")))
			num = json_kind(m.value) == '0';
		else
			others = 1;
	}
	return flag && num && !others;
}

/* ---- attachments ----------------------------------------------------- */

int
sio_begin(struct sio_assembly *a, struct str text, size_t attachments,
    size_t max)
{
	*a = (struct sio_assembly){ .text = BUF(max), .list = BUF(max),
	    .want = attachments };
	return buf_adds(&a->text, text) == 1 && buf_addc(&a->list, '[') == 1 ?
	    1 : -1;
}

int
sio_attach(struct sio_assembly *a, struct str bytes)
{
	if ((a->have > 0 && buf_addc(&a->list, ',') == -1) ||
	    buf_addc(&a->list, '"') == -1 ||
	    base64_encode(&a->list, bytes) == -1 ||
	    buf_addc(&a->list, '"') == -1)
		return -1;
	if (++a->have < a->want)
		return 0;
	return buf_addc(&a->list, ']') == 1 ? 1 : -1;
}

void
sio_assembly_free(struct sio_assembly *a)
{
	buf_free(&a->text);
	buf_free(&a->list);
}
