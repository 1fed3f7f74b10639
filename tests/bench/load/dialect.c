/* SPDX-License-Identifier: ISC */

/* How the peers greet and how they wrap a message: a row each. */

#include "load.h"

#define ZERO8	"\\0\\0\\0\\0\\0\\0\\0\\0"

static const struct dialect dialects[] = {
	{ .name = "raw", .wrap = "%s" },
	{ .name = "line", .wrap = "%s\\n" },
	{ .name = "socketio4", .greet = { "<0{", ">40", "<40" },
	  .wrap = "42[\"msg\",%s]", .ping = "2", .pong = "3" },
	{ .name = "socketio2", .greet = { "<40" },
	  .subscribe = { ">42[\"subscribe\",{\"channel\":\"%c\"}]" },
	  .wrap = "42[\"msg\",%s]", .keepalive = "2" },
	{ .name = "socketcluster",
	  .greet = { ">{\"event\":\"#handshake\","
	      "\"data\":{\"authToken\":null},\"cid\":1}", "<\"rid\":1" },
	  .subscribe = { ">{\"event\":\"#subscribe\","
	      "\"data\":{\"channel\":\"%c\"},\"cid\":2}", "<\"rid\":2" },
	  .wrap = "{\"event\":\"#publish\","
	      "\"data\":{\"channel\":\"%c\",\"data\":%s}}",
	  .ping = "", .pong = "" },
	{ .name = "stomp", .subprotocol = "v12.stomp",
	  .greet = { ">CONNECT\\naccept-version:1.2\\nheart-beat:0,0\\n"
	      "login:guest\\npasscode:guest\\n\\n\\0", "<CONNECTED" },
	  .subscribe = { ">SUBSCRIBE\\nid:0\\ndestination:%c\\nack:auto\\n"
	      "receipt:1\\n\\n\\0", "<RECEIPT" },
	  .wrap = "SEND\\ndestination:%c\\n\\n%s\\0" },
	{ .name = "nats", .binary = 1,
	  .greet = { "<INFO",
	      ">CONNECT {\"verbose\":false,\"pedantic\":false}\\r\\n" },
	  .subscribe = { ">SUB %c 1\\r\\nPING\\r\\n", "<PONG" },
	  .wrap = "PUB %c %l\\r\\n%s\\r\\n",
	  .ping = "PING\\r\\n", .pong = "PONG\\r\\n" },
	{ .name = "mqtt", .subprotocol = "mqtt", .binary = 1,
	  .greet = { ">\\x10%R{%2{MQTT}\\x04\\x02\\x00\\x00%2{load%d}}",
	      "<\\x20\\x02" },
	  .subscribe = { ">\\x82%R{\\x00\\x01%2{%c}\\x00}", "<\\x90" },
	  .wrap = "\\x30%R{%2{%c}%s}" },
	/* JSON in a frame of ZMTP 3.0, for a ZeroMQ PULL socket */
	{ .name = "pushpin",
	  .greet = { ">\\xff\\0\\0\\0\\0\\0\\0\\0\\x01\\x7f\\x03\\0NULL"
	      ZERO8 ZERO8 ZERO8 ZERO8 ZERO8 ZERO8,
	      ">\\x04%1{\\x05READY\\x0bSocket-Type\\0\\0\\0\\x04PUSH}",
	      "<READY" },
	  .wrap = "\\x02%8{J{\"channel\":\"%c\",\"formats\":"
	      "{\"ws-message\":{\"content\":\"%e\"}}}}" },
	{ .name = "redis", .wrap = "*3\\r\\n%${PUBLISH}%${%c}%${%s}" },
	{ .name = NULL }
};

const struct dialect *
dialect_named(const char *name)
{
	const struct dialect *d;

	for (d = dialects; d->name != NULL; d++)
		if (strcmp(d->name, name) == 0)
			return d;
	die(100, "%s: not a dialect", name);
}

void
script_add(struct script *s, const char *line, const char *channel)
{
	if (s->n == STEPS_MAX)
		die(100, "more than %d steps of a greeting", STEPS_MAX);
	s->step[s->n++] = (struct step){ line[0] == '<',
	    template_parse(line + 1, channel) };
}
