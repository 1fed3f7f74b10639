/* SPDX-License-Identifier: ISC */
/*
 * Names of files, out of frames: pure.  Whatever stands in a name, what comes
 * out is a path of plain parts below a directory.
 */
#include "json.h"

#include "keep.h"

#define PART_BYTES	200	/* of a name; more is cut off */
#define NAME_BYTES	4096

static int
is_slash(char c)
{
	return c == '/';
}

/* No control, no slash, nothing hidden, and neither "." nor "..". */
static void
add_part(struct buf *b, struct str s, const char *day)
{
	static const struct str mark = { "{day}", 5 };
	size_t i, begin = b->len;
	char c;

	for (i = 0; i < s.n && b->len - begin < PART_BYTES; i++) {
		c = s.p[i];
		if (s.n - i >= mark.n && memcmp(s.p + i, mark.p, mark.n) == 0) {
			buf_adds(b, str_of(day));
			i += mark.n - 1;
		} else if ((unsigned char)c < 0x20 || c == 0x7f ||
		    is_slash(c) || (c == '.' && b->len == begin)) {
			buf_addc(b, '_');
		} else {
			buf_addc(b, c);
		}
	}
	if (b->len == begin)
		buf_addc(b, '_');
	buf_addc(b, '\0');
}

static int
cut(struct buf *b, struct str path, const char *day)
{
	size_t i, from = 0;
	int n = 0;

	for (i = 0; i <= path.n; i++)
		if (i == path.n || is_slash(path.p[i])) {
			if (n++ == NAME_DEPTH)
				return 0;
			add_part(b, (struct str){ path.p + from, i - from },
			    day);
			from = i + 1;
		}
	return n;
}

static int
each(struct buf *b, struct buf *text, struct str json, const char *day)
{
	struct json_walk w;
	struct json_member m;
	int n = 0, r;

	if (!json_walk(&w, json) || w.object)
		return 0;
	while ((r = json_next(&w, &m)) == 1) {
		if (n++ == NAME_DEPTH || json_kind(m.value) != 's')
			return 0;
		buf_clear(text);
		if (json_unquote(text, (struct str){ m.value.p + 1,
		    m.value.n - 2 }) == -1)
			return 0;
		add_part(b, buf_str(text), day);
	}
	return r == 0 ? n : 0;
}

int
name_parts(struct buf *b, struct str json, const char *day,
    const char *parts[NAME_DEPTH])
{
	struct buf text = BUF(NAME_BYTES);
	const char *p;
	int n = 0, i;

	buf_clear(b);
	if (json_kind(json) == 'a')
		n = each(b, &text, json, day);
	else if (json_kind(json) == 's' && json_unquote(&text,
	    (struct str){ json.p + 1, json.n - 2 }) == 1)
		n = cut(b, buf_str(&text), day);
	buf_free(&text);
	for (i = 0, p = b->data + b->pos; i < n; i++, p += strlen(p) + 1)
		parts[i] = p;
	return n;
}

int
name_day(const char *name, char day[WHEN_DAY])
{
	struct when w;

	if (strlen(name) < WHEN_DAY - 1)
		return 0;
	memcpy(day, name, WHEN_DAY - 1);
	day[WHEN_DAY - 1] = '\0';
	return day[4] == '-' && day[7] == '-' &&
	    when_date(&w, (struct str){ day, WHEN_DAY - 1 }) == NULL;
}

int
name_listed(const char *words, struct str type)
{
	const char *p = words;
	size_t n;

	while (p != NULL && *p != '\0') {
		n = strcspn(p, ",");
		if (n == type.n && memcmp(p, type.p, n) == 0)
			return 1;
		p += n + (p[n] == ',');
	}
	return words == NULL;
}
