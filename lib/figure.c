/* SPDX-License-Identifier: ISC */
#include "figure.h"

const struct figure *
figure_find(const struct figure *f, struct str name)
{
	for (; f->name != NULL; f++)
		if (str_eq(str_of(f->name), name))
			return f;
	return NULL;
}

void
figure_json(struct buf *b, const struct figure *f)
{
	for (; f->name != NULL; f++)
		buf_addf(b, "%s\"%s\":%llu",
		    b->data[b->len - 1] == '{' ? "" : ",", f->name,
		    (unsigned long long)*f->value);
}

const char *
figure_kind(struct str name)
{
	static const char total[] = "_total";
	const size_t n = sizeof total - 1;

	return name.n > n && memcmp(name.p + name.n - n, total, n) == 0 ?
	    "counter" : "gauge";
}

void
figure_text(struct buf *b, const char *prefix, const struct figure *f)
{
	for (; f->name != NULL; f++)
		buf_addf(b, "# HELP %s%s %s\n# TYPE %s%s %s\n%s%s %llu\n",
		    prefix, f->name, f->help,
		    prefix, f->name, figure_kind(str_of(f->name)),
		    prefix, f->name, (unsigned long long)*f->value);
}
