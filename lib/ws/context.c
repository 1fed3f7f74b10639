/* SPDX-License-Identifier: ISC */

/*
 * libwebsockets, 4.1 to 4.3: its context and its callback.
 *
 *  - It runs on our loop as a foreign loop and never listens: sockets are
 *    adopted with a head that request.c wrote.  HTTP/2, extensions and its
 *    validity timers are off.
 *  - Its callback turns what happens into states of connections.
 *    WSI_DESTROY is the one that always comes: there a connection is over.
 */

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <libwebsockets.h>

#include "../json.h"
#include "../log.h"
#include "../loop.h"
#include "conn.h"

#define RX_BUFFER	768		/* bytes it keeps for a connection */
#define TX_PACKET	(64 << 20)	/* it copies what is beyond this */
#define MAX_CONNS	65536
#define SPARE_FILES	256		/* descriptors of other things */
#define TLS_FILES	3		/* of a connection: relay.c */

const struct lws_retry_bo conn_no_validity;

static struct lws_context *context;
static struct lws_vhost *vhost;
static struct ws_conn *adopting;
static struct before_sleep pass;

/* ---- what it says ---------------------------------------------------- */

static void
received(struct ws_conn *c, struct str piece)
{
	if (c->state == CONN_OPEN)
		in_piece(c, piece, lws_frame_is_binary(c->wsi),
		    lws_is_final_fragment(c->wsi),
		    lws_remaining_packet_payload(c->wsi));
}

static void
pong(struct ws_conn *c, struct str payload)
{
	c->missed = 0;
	if (c->state == CONN_OPEN && c->ops->pong != NULL)
		c->ops->pong(c, payload);
}

/* 0; -1: half a code, RFC 6455 5.5.1, which libwebsockets would send back. */
static int
peer_closes(struct ws_conn *c, struct str body)
{
	static unsigned char half[] = "half a close code";
	const unsigned char *p = (const unsigned char *)body.p;

	if (body.n == 1) {
		lws_close_reason(c->wsi, LWS_CLOSE_STATUS_PROTOCOL_ERR, half,
		    sizeof half - 1);
		return -1;
	}
	if (body.n == 0)
		conn_farewell(c, 1005, "client", STR(""));
	else
		conn_farewell(c, p[0] << 8 | p[1], "client",
		    (struct str){ body.p + 2, body.n - 2 });
	conn_closing(c, 0);
	return 0;
}

/* It is about to end the connection: for a mistake of the peer when it has a
 * close frame prepared that is not ours. */
static void
end_begins(struct ws_conn *c)
{
	const unsigned char *p = lws_get_close_payload(c->wsi);
	size_t n = (size_t)lws_get_close_length(c->wsi);

	if (n < 2 || c->end != NULL) {
		conn_closing(c, 0);
		return;
	}
	conn_farewell(c, p[0] << 8 | p[1], "error",
	    (struct str){ (const char *)p + 2, n - 2 });
	conn_closing(c, 1);
}

static void
dropping(struct ws_conn *c)
{
	if (c->state == CONN_OPEN || c->state == CONN_CLOSING)
		end_begins(c);
	conn_lose_cut(c);
}

static int
writable(struct ws_conn *c)
{
	c->missed = 0;
	if (c->state != CONN_OPEN && c->state != CONN_CLOSING)
		return 0;
	if (out_flush(c) == -1)
		return -1;
	if (c->state != CONN_CLOSING || ws_queued(c) > 0)
		return 0;
	c->state = CONN_CLOSED;
	lws_close_reason(c->wsi, (enum lws_close_status)c->end->code,
	    (unsigned char *)c->end->reason, c->end->n);
	return -1;
}

static int
add_subprotocol(struct ws_conn *c, struct lws_process_html_args *a)
{
	const char *name = request_subprotocol(c);
	unsigned char *p = (unsigned char *)a->p;

	if (name == NULL)
		return 0;
	if (lws_add_http_header_by_name(c->wsi,
	    (const unsigned char *)"sec-websocket-protocol:",
	    (const unsigned char *)name, (int)strlen(name), &p,
	    p + a->max_len))
		return 1;
	a->p = (char *)p;
	return 0;
}

static int
callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	struct ws_conn *c = lws_get_opaque_user_data(wsi);
	struct str bytes = { in, len };

	(void)user;
	if (c == NULL && adopting != NULL) {
		c = adopting;
		lws_set_opaque_user_data(wsi, c);
		/* without user data there is no ..._DROP_PROTOCOL */
		lws_set_wsi_user(wsi, c);
	}
	if (c == NULL || c->state == CONN_OVER)
		return 0;
	c->wsi = wsi;
	switch (reason) {
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_HTTP:
		return -1;	/* only WebSockets come here */
	case LWS_CALLBACK_ADD_HEADERS:
		return add_subprotocol(c, in);
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return dial_headers(c, in, len);
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		dial_answered(c);
		break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		dial_failed(c, bytes);
		break;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		lws_set_wsi_user(wsi, c);
		/* fall through */
	case LWS_CALLBACK_ESTABLISHED:
		conn_opened(c);
		break;
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_CLIENT_RECEIVE:
		received(c, bytes);
		break;
	case LWS_CALLBACK_RECEIVE_PONG:
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		pong(c, bytes);
		break;
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return writable(c);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return peer_closes(c, bytes);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
	case LWS_CALLBACK_WS_CLIENT_DROP_PROTOCOL:
		dropping(c);
		break;
	case LWS_CALLBACK_WSI_DESTROY:
		conn_over(c, "connection lost");
		break;
	default:
		break;
	}
	return 0;
}

/* ---- what it is told ------------------------------------------------- */

void
conn_adopt(struct ws_conn *c, int fd, struct str head)
{
	adopting = c;
	if (lws_adopt_socket_vhost_readbuf(vhost, fd, head.p, head.n) == NULL)
		conn_over(c, "refused");
	adopting = NULL;
}

/* The first dial with TLS reads the certificates to trust: 20 ms, 5 MB. */
static int
may_trust(void)
{
	struct lws_context_creation_info info = { 0 };
	static int done;

	if (done)
		return 1;
	info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.client_ssl_ca_filepath = config.ca_file;
	info.alpn = "http/1.1";
	done = lws_init_vhost_client_ssl(&info, vhost) == 0;
	return done;
}

/* 4.1.6 loses a dial's opaque user data on its way: it is set again. */
int
conn_connect(struct ws_conn *c, struct lws_client_connect_info *info)
{
	struct lws *wsi;

	if (info->ssl_connection & LCCSCF_USE_SSL && !may_trust())
		return 0;
	info->vhost = vhost;
	adopting = c;
	wsi = lws_client_connect_via_info(info);
	adopting = NULL;
	if (wsi != NULL)
		lws_set_opaque_user_data(wsi, c);
	return wsi != NULL;
}

/* KILL_SYNC alone would wait for a cut write to be finished. */
void
conn_kill(struct ws_conn *c)
{
	if (c->held)
		conn_over(c, NULL);
	if (c->wsi == NULL)
		return;
	shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
	    LWS_TO_KILL_SYNC);
}

int
conn_fd(const struct ws_conn *c)
{
	return c->wsi != NULL ? lws_get_socket_fd(c->wsi) : -1;
}

void
conn_wake(void)
{
	lws_cancel_service(context);
}

struct lws_context *
conn_context(void)
{
	return context;
}

void
ws_read(struct ws_conn *c, int on)
{
	if (c->paused == !on)
		return;
	c->paused = !on;
	if (c->state == CONN_OPEN && !c->held)
		lws_rx_flow_control(c->wsi, on);
}

/* ---- start and stop -------------------------------------------------- */

static void
emit(int level, const char *line)
{
	(void)level;
	info("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

/* It makes its table of descriptors as large as the limit is. */
static void
limit_files(void)
{
	struct rlimit r;
	rlim_t each = config.cert != NULL ? TLS_FILES : 1;

	if (config.max_conns <= 0)
		config.max_conns = MAX_CONNS;
	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		die(111, "getrlimit: %s", strerror(errno));
	if (r.rlim_cur <= SPARE_FILES)
		die(111, "open files: the limit is too low");
	if ((rlim_t)config.max_conns * each + SPARE_FILES < r.rlim_cur) {
		r.rlim_cur = (rlim_t)config.max_conns * each + SPARE_FILES;
		setrlimit(RLIMIT_NOFILE, &r);
	} else
		config.max_conns = (int)((r.rlim_cur - SPARE_FILES) / each);
}

static void
run(struct before_sleep *b)
{
	(void)b;
	conn_pass();
}

void
ws_start(const struct ws_config *wanted)
{
	static const struct lws_protocols protocols[] = {
		{ "", callback, 0, RX_BUFFER, 0, NULL, TX_PACKET },
		{ NULL, NULL, 0, 0, 0, NULL, 0 }
	};
	struct lws_context_creation_info info = { 0 };
	void *loops[] = { loop };
	const char *why;

	config = *wanted;
	limit_files();
	if ((why = ws_certify()) != NULL)
		die(100, "%s", why);
	lws_set_log_level(verbose > 1 ? LLL_ERR | LLL_WARN : 0, emit);
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = protocols;
	info.foreign_loops = loops;
	info.options = LWS_SERVER_OPTION_LIBEV |
	    LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	if (config.tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.alpn = "http/1.1";
	info.retry_and_idle_policy = &conn_no_validity;
	info.timeout_secs = 20;
	context = lws_create_context(&info);
	info.options = 0;	/* no certificates yet: may_trust() */
	if (context == NULL ||
	    (vhost = lws_create_vhost(context, &info)) == NULL)
		die(111, "libwebsockets does not start");
	pass.run = run;
	loop_before_sleep(&pass);
	timer_start();
}

void
ws_stop(void)
{
	ws_unlisten();
	conn_forget_all();
	lws_context_destroy(context);
	conn_pass();
	relay_stop();
	handshake_stop();
	timer_stop();
}
