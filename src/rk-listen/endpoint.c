/* SPDX-License-Identifier: ISC */
#include "endpoint.h"
#include "http.h"
#include "json.h"
#include "roster.h"

const char *const endpoint_policies[] = { [POLICY_CLOSE] = "close",
    [POLICY_OLDEST] = "drop-oldest", [POLICY_NEWEST] = "drop-newest", NULL };

/* The next segment of a path, which begins with its slash: 1 or 0. */
static int
segment(struct str *path, struct str *s)
{
	const char *end;

	if (path->n == 0)
		return 0;
	end = memchr(path->p + 1, '/', path->n - 1);
	s->p = path->p + 1;
	s->n = end == NULL ? path->n - 1 : (size_t)(end - s->p);
	path->p += s->n + 1;
	path->n -= s->n + 1;
	return 1;
}

/* "{name}": the name. */
static int
is_capture(struct str s, struct str *name)
{
	if (s.n < 3 || s.p[0] != '{' || s.p[s.n - 1] != '}')
		return 0;
	*name = (struct str){ s.p + 1, s.n - 2 };
	return 1;
}

static int
is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] == '_' || (s.p[i] >= '0' && s.p[i] <= '9') ||
		    ((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z')))
			return 0;
	return s.n > 0;
}

const char *
endpoint_wrong(const char *template)
{
	struct str rest = str_of(template), s, name;

	if (template[0] != '/')
		return "a path begins with /";
	while (segment(&rest, &s)) {
		if (str_eq(s, STR("*")) && rest.n > 0)
			return "only the last segment can be *";
		if (is_capture(s, &name) ? !is_word(name) :
		    s.n > 0 && (memchr(s.p, '{', s.n) || memchr(s.p, '}', s.n)))
			return "a name in braces is a whole segment of letters,"
			    " digits and _";
	}
	return NULL;
}

static int
capture(struct captures *c, struct str name, struct str value)
{
	if (value.n == 0 || !utf8_check(value))
		return -1;
	if (str_eq(name, STR("user"))) {
		if (!name_sound(value))
			return -1;
		buf_clear(&c->user);
		return buf_adds(&c->user, value);
	}
	if (buf_size(&c->params) > 0)
		buf_addc(&c->params, ',');
	buf_addc(&c->params, '"');
	buf_adds(&c->params, name);
	buf_adds(&c->params, STR("\":"));
	return json_quote(&c->params, value);
}

int
endpoint_match(const struct endpoint *e, struct str path, struct captures *c)
{
	static struct buf plain = { .max = HTTP_HEAD_MAX };
	struct str want = str_of(e->template), w, got, name;
	int sound = 1;

	buf_clear(&c->user);
	buf_clear(&c->params);
	while (segment(&want, &w)) {
		if (want.n == 0 && str_eq(w, e->http ? STR("") : STR("*")))
			return sound;
		if (!segment(&path, &got))
			return 0;
		buf_clear(&plain);
		if (http_unescape(&plain, got, 0) != 1)
			return is_capture(w, &name) ? -1 : 0;
		if (!is_capture(w, &name) ? !str_eq(buf_str(&plain), w) :
		    got.n == 0)
			return 0;
		if (is_capture(w, &name) &&
		    capture(c, name, buf_str(&plain)) == -1)
			sound = -1;
	}
	return path.n == 0 || e->http ? sound : 0;
}

/* The next word of a list with commas and spaces: 1 or 0. */
static int
word(struct str *list, struct str *w)
{
	while (list->n > 0 && strchr(", \t", list->p[0]) != NULL)
		list->p++, list->n--;
	*w = (struct str){ list->p, 0 };
	while (list->n > 0 && strchr(", \t", list->p[0]) == NULL)
		list->p++, list->n--, w->n++;
	return w->n > 0;
}

int
endpoint_lists(const char *list, struct str wanted)
{
	struct str rest = str_of(list), w;

	while (word(&rest, &w))
		if (str_eq(w, wanted))
			return 1;
	return 0;
}

/* A star is any name below the one behind it, but not that itself. */
static int
origin_is(struct str want, struct str origin)
{
	const char *star = memchr(want.p, '*', want.n), *p;
	size_t before, behind;

	if (star == NULL)
		return str_eq(want, origin);
	before = (size_t)(star - want.p);
	behind = want.n - before - 1;
	if (origin.n <= before + behind ||
	    memcmp(origin.p, want.p, before) != 0 ||
	    memcmp(origin.p + origin.n - behind, star + 1, behind) != 0)
		return 0;
	for (p = origin.p + before; p < origin.p + origin.n - behind; p++)
		if (strchr(":/@", *p) != NULL)
			return 0;
	return 1;
}

int
endpoint_origin(const char *list, struct str origin)
{
	struct str rest = str_of(list), w;

	while (word(&rest, &w))
		if (origin_is(w, origin))
			return 1;
	return 0;
}

/* null, scheme://host, scheme://host:port; *.host for host. */
static int
is_origin(struct str s)
{
	const char *host = memmem(s.p, s.n, "://", 3), *end = s.p + s.n;
	size_t n;

	if (str_eq(s, STR("null")))
		return 1;
	if (host == NULL || host == s.p)
		return 0;
	host += 3;
	if (end - host > 2 && memcmp(host, "*.", 2) == 0)
		host += 2;
	n = (size_t)(end - host);
	return n > 0 && memchr(host, '/', n) == NULL &&
	    memchr(host, '*', n) == NULL;
}

const char *
endpoint_origins_wrong(const char *list)
{
	struct str rest = str_of(list), w;

	while (word(&rest, &w))
		if (!is_origin(w))
			return "an origin is null, scheme://host or "
			    "scheme://host:port";
	return NULL;
}

int
endpoint_subprotocol(const struct endpoint *e, struct str asked,
    struct str *chosen)
{
	struct str w;
	int any = 0;

	while (word(&asked, &w)) {
		any = 1;
		if (e->subprotocols != NULL &&
		    endpoint_lists(e->subprotocols, w)) {
			*chosen = w;
			return 1;
		}
	}
	return any ? -1 : 0;
}

int
endpoint_choose(const char *const *words, struct str word)
{
	for (int i = 0; words[i] != NULL; i++)
		if (str_eq(word, str_of(words[i])))
			return i;
	return -1;
}
