/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "filter.h"
#include "log.h"
#include "script.h"
#include "show.h"

struct step {
	struct script_said said;	/* its text: also the jq to expect */
	struct filter *expect;		/* NULL: send, or hear */
};

static struct script_said now;	/* how what follows is sent */
static int asks;
static struct step *steps;
static size_t n, at;		/* steps[at] is the next */
static size_t opening;		/* next opening line, where it is repeated */
static int expects;		/* of them are not seen yet */
static int64_t count;		/* messages that are still to come */
static struct buf value = { .max = SIZE_MAX / 2 };	/* of one message */

static void
add(struct step s)
{
	steps = mem_grow(steps, (n + 1) * sizeof *steps);
	steps[n++] = s;
}

static const char *
some(const char *word)
{
	asks = 1;
	return word[0] != '\0' ? word : NULL;
}

void
script_event(const char *event)
{
	now.event = some(event);
}

void
script_channel(const char *channel)
{
	now.channel = some(channel);
}

void
script_ack(void)
{
	asks = now.ack = 1;
}

int
script_asks(void)
{
	return asks;
}

struct script_said
script_line(struct str text)
{
	struct script_said s = now;

	s.act = SCRIPT_SEND;
	s.text = text;
	return s;
}

void
script_add(enum script_act act, const char *text)
{
	struct step s = { .said = script_line(str_of(text)) };

	s.said.act = act;
	asks |= act != SCRIPT_SEND;
	add(s);
}

void
script_expect(const char *jq)
{
	struct filter_rule rule = { .name = "--expect", .text = str_of(jq) };
	char *why;
	struct filter *f = filter_open(&rule, &why);

	if (f == NULL)
		die(100, "%s", why);
	add((struct step){ .said.text = str_of(jq), .expect = f });
	expects++;
}

void
script_count(int64_t messages)
{
	count = messages;
}

int
script_sends(void)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (steps[i].expect == NULL &&
		    steps[i].said.act == SCRIPT_SEND)
			return 1;
	return 0;
}

int
script_waits(void)
{
	return expects > 0 || count > 0;
}

/* What jq sees is what --format=json prints. */
static int
fits(struct filter *f, struct str bytes, int binary)
{
	static const struct style json = { .how = SHOW_JSON };
	const char *why;
	int r;

	buf_clear(&value);
	show(&value, &json, '<', bytes, binary);
	r = filter_match(f, buf_str(&value), &why);
	if (r == -1)
		info("--expect: %s", why);
	return r == 1;
}

int
script_seen(struct str bytes, int binary)
{
	if (!script_waits())
		return 0;
	if (count > 0)
		count--;
	if (at < n && steps[at].expect != NULL &&
	    fits(steps[at].expect, bytes, binary)) {
		at++;
		expects--;
	}
	return !script_waits();
}

const char *
script_missing(void)
{
	static char text[64];

	if (expects > 0 && at < n)
		return steps[at].said.text.p;
	snprintf(text, sizeof text, "%lld more messages", (long long)count);
	return text;
}

int
script_ended(void)
{
	return at == n;
}

void
script_open(void)
{
	opening = 0;
}

/* First the opening lines up to where we are, then on from there.  Channels
 * are not among them: which ones are heard, the connection knows. */
int
script_next(struct script_said *said)
{
	for (; opening < at && steps[opening].expect == NULL; opening++)
		if (steps[opening].said.act == SCRIPT_SEND) {
			*said = steps[opening++].said;
			return 1;
		}
	opening = at;
	if (at == n || steps[at].expect != NULL)
		return 0;
	*said = steps[at++].said;
	opening = at;
	return 1;
}
