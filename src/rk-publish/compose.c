/* SPDX-License-Identifier: ISC */
#include "compose.h"
#include "frame.h"
#include "link/link.h"

static struct buf head, whole;
static enum form form;

void
compose_begin(const char *type, enum form f)
{
	form = f;
	head = whole = BUF(link_line_max());
	frame_begin(&head, type);
}

void
compose_flag(const char *key)
{
	frame_flag(&head, key);
}

void
compose_word(const char *key, const char *value)
{
	frame_text(&head, key, str_of(value));
}

void
compose_value(const char *key, const char *value)
{
	const char *why;

	if (json_check(str_of(value), &why))
		frame_raw(&head, key, str_of(value));
	else
		compose_word(key, value);
}

static const char *
add_payload(struct str bytes)
{
	const char *why;

	if (form == FORM_BINARY)
		frame_add_binary(&whole, bytes, 0);
	else if (!utf8_check(bytes))
		return "not UTF-8 (--binary takes any bytes)";
	else if (form == FORM_TEXT)
		frame_text(&whole, "text", bytes);
	else
		frame_add_text(&whole, json_check(bytes, &why) ?
		    json_trim(bytes) : bytes);
	return NULL;
}

const char *
compose(const struct str *payload, struct str *frame)
{
	const char *why = NULL;

	buf_clear(&whole);
	buf_adds(&whole, buf_str(&head));
	if (payload != NULL)
		why = add_payload(*payload);
	if (why == NULL && frame_end(&whole) == -1)
		why = "the payload is over the bound (--max)";
	*frame = buf_str(&whole);
	return why;
}

const char *
compose_check(struct str frame)
{
	const char *why;
	struct frame f;
	int k;

	if (frame_scan(&f, frame, &why) == -1)
		return why;
	if (!frame_has(&f, K_TYPE))
		return "no type";
	if (f.type == T_ATTACH || f.type == T_READY || f.type == T_ACK ||
	    frame_has(&f, K_SEQ) || frame_has(&f, K_AGAIN))
		return "attach, ready, ack, seq, again: the business of a link";
	k = frame_payload(&f, &why);
	if (k != -1 && f.v[k].n > link_max())
		return "the payload is over the bound (--max)";
	return NULL;
}
