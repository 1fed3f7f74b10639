/* SPDX-License-Identifier: ISC */

/*
 * Bare links (--bare): the other program knows no frames.
 *
 *  - Out: the payload of a frame as one line; a frame without one goes
 *    nowhere.  JSON as it is, a text without line breaks as it is, any
 *    other text as a JSON string, binary as {"base64":...}.
 *  - In: a line is the payload of a message.
 */

#include "../log.h"
#include "inside.h"

static int
has_break(struct str s)
{
	return memchr(s.p, '\n', s.n) || memchr(s.p, '\r', s.n);
}

static void
text_out(struct buf *wire, struct str quoted)
{
	struct buf text = BUF(quoted.n + 1);

	json_unquote(&text, (struct str){ quoted.p + 1, quoted.n - 2 });
	buf_adds(wire, has_break(buf_str(&text)) ? quoted : buf_str(&text));
	buf_free(&text);
}

int
bare_out(struct buf *wire, struct str line)
{
	struct frame f;
	const char *why;
	int k;

	if (frame_scan(&f, line, &why) == -1)
		return 0;
	k = frame_payload(&f, &why);
	if (k == -1)
		return 0;
	if (k == K_BASE64)
		buf_addf(wire, "{\"base64\":%.*s}", (int)f.v[k].n, f.v[k].p);
	else if (k == K_TEXT && json_kind(f.v[k]) == 's' && f.v[k].n > 2)
		text_out(wire, f.v[k]);
	else
		buf_adds(wire, f.v[k]);
	return 1;
}

int
bare_in(struct buf *frame, struct str line)
{
	frame_begin(frame, "message");
	if (utf8_check(line))
		frame_add_text(frame, line);
	else
		frame_add_binary(frame, line, 0);
	return frame_end(frame);
}
