# SPDX-License-Identifier: ISC
#
# Rouket: Socket.IO clients, each with a connection of its own to a core that
# speaks laravel-echo-server's dialect.  What the core says on a connection
# goes to the client it belongs to.
#
#  - The listener (link "up") has the clients; rk-client --frames (link
#    "down") has the connections to the core.  That of client C is the
#    connection "up-C" and its user is C, so nothing is kept here.
#  - {"token":T,"user":U} in set_connection dials it, for good: hung up only
#    by the next set_connection, and when the client has left.  Both come here
#    in the order in which they happened, and a name that is hung up is free.
#  - Token and user id are the client's state in the roster, its channel is
#    "routed": whenever the other end of "down" is a new one, which has dialled
#    nobody, the roster is asked for all that are routed, and they are dialled.
#  - A listener that is new has none of the clients of before: all their
#    connections are hung up.
#  - A client is told what becomes of its connection: router_up, and
#    router_error with a code: bad_request, upstream_down (it is dialled
#    again), subscription_error.
#
# Arguments:
#   --arg url URL           where the core is
#   --argjson routes [...]  {kind, channel, event, name}: kind is public,
#                           private (the user id belongs to the channel) or
#                           presence; event as it is on the wire; name is what
#                           clients hear (of a private one: the channel with
#                           the user id, when it is absent)

def routes: $ARGS.named.routes;

def down: . + {via: "down"};
def up: . + {via: "up"};

def tell($to; $event; $data): {type: "send"} + $to + {event: $event, $data} | up;
def trouble($code; $more): tell({conn}; "router_error"; {code: $code} + $more);

# ---- clients

# Its text, or null.
def id:
  if type == "string" and . != "" then .
  elif type == "number" then try tostring catch null
  else null end;

def channel($user):
  if .kind == "public" then .channel
  elif .kind == "private" then "private-\(.channel).\($user)"
  else "presence-\(.channel)" end;

def dial($token; $user):
  {type: "dial", conn: "up-\(.conn)", user: .conn, url: $ARGS.named.url,
   proto: "echo", auth: {headers: {Authorization: "Bearer \($token)"}},
   subscribe: [routes[] | channel($user)] | unique}
  | down;

def hangup: {type: "hangup", conn: "up-\(.conn)"} | down;

def sound: type == "string" and length <= 2048 and . != "" and
  (test("[\u0000-\u001f\u007f]") | not);

def set_connection:
  (if .data | type == "object" then .data else {} end) as $given
  | ($given.user | id) as $user
  | if ($given.token | sound) and ($user | sound) then
      ({type: "merge", conn, state: {token: $given.token, user: $user}},
       {type: "join", conn, channel: "routed"} | up),
      hangup, dial($given.token; $user)
    else trouble("bad_request"; {}) end;

# What a client says to those who are in a channel with it; whether it is, the
# core knows.
def whisper:
  (if .data | type == "object" then .data else {} end) as $given
  | if all($given.channel, $given.event; type == "string") then
      {type: "send", conn: "up-\(.conn)"} +
      ($given | {channel, event, data}) | down
    else trouble("bad_request"; {}) end;

# ---- the core

# Of a private channel the end is some user's id.
def is_of($channel):
  if .kind == "private" then
    "private-\(.channel)." as $begin | $channel | startswith($begin)
  else channel(null) == $channel end;

def heard:
  .event as $event | .channel as $channel
  | [routes[] | select(.event == $event and is_of($channel))][0];

def message:
  if .event == "subscription_error" then
    {conn: .user} + take("channel", "data")
    | trouble("subscription_error"; {channel, status: .data})
  elif .event | startswith("presence:") then
    {type: "send", conn: .user, event, args: [.channel, .data]} | up
  else
    heard as $route
    | if $route == null then
        {type: "count", name: "rouket_unrouted"} | up
      else
        tell({conn: .user}; $route.name // (.channel | ltrimstr("private-"));
          .data)
      end
  end;

def lost:
  {conn: .user, reason: (.error // .reason // "closed")}
  | trouble("upstream_down"; {reason});

# ---- the other end of "down", and of "up"

def link:
  if .state != "new" then empty
  elif .from == "down" then
    tell({channel: "routed"}; "router_error";
      {code: "upstream_down", reason: "restarted"}),
    ({type: "who", channel: "routed", ref: "dial"} | up)
  else {type: "hangup", all: true} | down end;

def redial: .members[] | dial(.state.token; .state.user);

if .from == "down" and .type == "message" then message
elif .type == "message" then
  if .event == "set_connection" then set_connection
  elif .event == "client event" then whisper
  else empty end
elif .type == "close" then hangup
elif .type == "up" then tell({conn: .user}; "router_up"; {})
elif .type == "down" then
  if .by == "client" then empty else lost end
elif .type == "members" then redial
elif .type == "link" then link
else empty end
