# SPDX-License-Identifier: ISC
#
# Cluster: SocketCluster clients, each of which hears on its channel what a
# queue of RabbitMQ has for it.
#
#  - The listener (link "up") has the clients; another one ("http") the
#    publisher's API.  rk-store ("store") has the registrations: key is the
#    client's id, which is the name of its channel.  The bridge ("down") has the
#    broker; or it is a program, bare, whose lines are the messages.
#  - At the broker are two topic exchanges.  What the queue has is published to
#    the first one, under the client's id as its key; a registration is a
#    binding of that key to the second one.  There each node has a queue, bound
#    to a key while its channel is occupied there.  So the broker knows who is
#    registered and who is where, and all nodes know the same.
#  - What is in a node's queue for a channel that is empty there was left by a
#    node that was killed.  That binding goes, and the message goes back to the
#    first exchange: to where its client is now.  Where he is nowhere, it waits
#    in NAME.away, whose messages the broker moves to NAME.again after a while;
#    that all nodes consume, and try again, `tries` times.
#  - A subscription is joined when its binding stands: who was told so misses
#    nothing.  A binding that a race with `vacated` has cost stands again by
#    `occupied`.
#  - What clients publish goes to their own node at once, and to the others
#    through the second exchange, with the node's name, by which it knows its
#    own.
#  - Whoever subscribes or publishes needs a token that allows it: its claims
#    `channels` and `publish` are true (all), a name or an array of names.
#    Requests come from loopback, or have the secret.
#
# Arguments:
#   --arg exchange NAME    the first exchange; the second is NAME.out
#   --arg node NAME        this node's queue
#   --arg tries N          for what a killed node left
#   --arg queue NAME       what is consumed, or nothing
#   --arg feed yes         there is no broker: "down" is a program
#   --arg dead yes         what nobody gets is a dead letter
#   --arg test yes         publish-data-over-ch is allowed
#   --arg compat yes       as the original: no tokens, no secret
#   --rawfile secret FILE  optional

def compat: $ARGS.named.compat == "yes";
def feed: $ARGS.named.feed == "yes";
def into: $ARGS.named.exchange;
def out: "\($ARGS.named.exchange).out";
def node: $ARGS.named.node;
def away_name: "\($ARGS.named.exchange).away";
def again_name: "\($ARGS.named.exchange).again";
def tries: $ARGS.named.tries | tonumber;

def up: . + {via: "up"};
def store: . + {via: "store"};
def down: . + {via: "down"};

# ---- names

# A word of a binding that is * or # would be any.
def special: (index("%") // index("*") // index("#")) != null;
def key:
  if special then
    split("%") | join("%25") | split("*") | join("%2A")
    | split("#") | join("%23")
  else . end;
def unkey:
  if special then
    split("%23") | join("#") | split("%2A") | join("*")
    | split("%25") | join("%")
  else . end;

# Text, or a number's; or null.
def name:
  if type == "string" then if . == "" then null else . end
  elif type == "number" then try tostring catch null
  else null end;

def client: (.clientID // .client_id // .id) | name;

# ---- who may

def lists($name):
  open
  | if type == "array" then index($name) != null
    else . == true or . == $name end;

def may_hear($claims; $channel):
  compat or ($claims | open | .channels | lists($channel));
def may_say:
  compat or (.channel as $channel | .claims.publish | lists($channel));

# What a proxy that is not trusted passes on is not local.
def is_local:
  (.remote | IN("127.0.0.1", "::1"))
  and (.headers["x-forwarded-for"] == null);
def knows_secret:
  $ARGS.named.secret as $secret
  | $secret != null
    and .headers.authorization == "Bearer \($secret | rtrimstr("\n"))";
def trusted: compat or is_local or knows_secret;

# ---- clients

def blocked($what):
  if has("ref") then
    {type: "reply", conn, ref,
      error: {message: "The \($what) AGAction was blocked by inbound middleware",
        name: "SilentMiddlewareBlockedError", type: "inbound"}} | up
  else empty end,
  ({type: "count", name: "cluster_blocked", labels: {action: $what}} | up);

def bound($channel):
  {exchange: out, key: ($channel | key), queue: node};

def subscribe:
  if may_hear(.claims; .channel) | not then blocked("subscribe")
  elif feed then {type: "join", conn, channel} | up
  else
    {type: "bind", ref: ({then: "join", conn, channel} + take("ref"))}
    + bound(.channel) | down
  end;

def occupied: if feed then empty else {type: "bind"} + bound(.channel) | down end;
def vacated: if feed then empty else {type: "unbind"} + bound(.channel) | down end;

# No payload at all is null to other nodes.
def post:
  if may_say | not then blocked("publishIn")
  else
    ({type: "send", channel} + payload | up),
    (if has("ref") then {type: "reply", conn, ref} | up else empty end),
    (if feed then empty
     else
       {type: "publish", exchange: out, key: (.channel | key),
        headers: {node: node}, policy: "drop"}
       + if has("args") then {data: null} else payload end | down
     end)
  end;

# What it may not hear any more, now that its token is another, or none.
def claims:
  if compat then empty
  else {type: "who", conn, ref: {then: "claims", claims}} | up end;

def leave_others:
  .ref.claims as $claims
  | .members[] | .conn as $conn
  | .channels | open | .[]
  | select(may_hear($claims; .) | not)
  | {type: "kickout", conn: $conn, channel: ., reason: "the token is over"}
  | up;

# ---- messages

def nobody($name; $whom):
  if $ARGS.named.dead == "yes" then refuse("nobody gets it")
  else
    ("cluster: nobody gets a message: \($whom)" | debug | empty),
    ({type: "count", name: $name} | up)
  end;

def message:
  (if .data | type == "object" then .data | client else null end) as $id
  | if $id == null then nobody("cluster_unaddressed"; "it has no client id")
    elif feed then
      {type: "get", key: $id, ref: ({then: "send", id: $id} + payload)}
      | store
    else
      {type: "publish", exchange: into, key: ($id | key),
       policy: (if $ARGS.named.dead == "yes" then "refuse" else "return" end)}
      + payload | down
    end;

def fed:
  if has("absent") then nobody("cluster_absent"; .ref.id)
  else .ref | {type: "send", channel: .id} + payload | up end;

# What a killed node left, for the Nth time.
def attempt($n; $key):
  {type: "publish", exchange: into, key: $key, headers: {tries: $n},
   policy: (if $ARGS.named.dead == "yes" and $n >= tries then "refuse"
     else "return" end)}
  + payload | down;

def delivery:
  if .queue == $ARGS.named.queue then message
  elif .queue == again_name then attempt(.headers.tries + 1; .headers.key)
  elif .exchange == into then
    {type: "send", channel: (.key | unkey), policy: "return"}
    + (if .headers.tries? then take("headers") else {} end) + payload | up
  elif .headers.node? == node then empty
  else {type: "send", channel: (.key | unkey)} + payload | up end;

def left:
  ({type: "count", name: "cluster_left"} | up),
  ({type: "unbind"} + bound(.channel) | down),
  attempt((.headers.tries? // 0) + 1; .channel | key);

def returned:
  if .from == "up" then left
  elif .headers.tries? and .headers.tries < tries then
    {type: "publish", exchange: "", key: away_name, policy: "refuse",
     headers: {tries: .headers.tries, key}}
    + payload | down
  else nobody("cluster_absent"; .key | unkey) end;

# ---- the API

def answer($to; $status; $data):
  {type: "respond", conn: $to.conn, status: $status, data: $data,
    via: $to.from};
def asker: {conn, from};

def token:
  {type: "respond", conn, via: .from, status: 200,
    headers: {"cache-control": "no-store"},
    claims: (if .query.channel? then {channels: [.query.channel]}
      else {publish: true, channels: true} end)};

# An id of its own, or else the address of who has a name and a password.
def id_of:
  client // (if .name != null and .password != null then .email | name
    else null end);

def register:
  (if .data | type == "object" then .data else {} end) as $body
  | ($body | id_of) as $id
  | if $id == null then
      answer(asker; 400; {error: "clientID, or name, email and password, please"})
    elif ($id | utf8bytelength) > 255 or ($id | test("[\\x00-\\x1f\\x7f\\x{ffff}]")) then
      answer(asker; 400; {error: "an id has 1 to 255 bytes, no control characters"})
    else
      {type: "put", key: $id, if: "absent",
       data: ($body | take("name", "email")),
       ref: {then: "register", id: $id, to: asker}}
      | store
    end;

def registered($id): {type: "bind", exchange: into, key: ($id | key),
  options: {to: out}};

def created:
  .ref.to as $to
  | ($to | open) as $to
  | if .ref.created then answer($to; 201; {channel: .ref.id, created: true})
    else answer($to; 200; {channel: .ref.id, created: false}) end;

# On disk; then at the broker.
def kept:
  .ref.created = (.created == true)
  | if feed then created
    else {type: "bind", ref: (.ref | .then = "created")} + registered(.ref.id)
      | down end;

# That somebody asked before is a key that is no id.
def asked: "\uffff";
def clients: [.entries[].key | select(. != asked)];

def ask($to):
  {type: "put", key: asked, if: "absent", data: null,
   ref: {then: "asked", to: $to}}
  | store;

def listening:
  answer(.ref.to | open; 200;
    {status: "listening", queue: $ARGS.named.queue, created: (.created == true)});

def listen:
  if feed then ask(asker)
  elif $ARGS.named.queue == null then
    answer(asker; 503; {error: "this node has no queue"})
  else
    {type: "declare", queue: $ARGS.named.queue, options: {passive: true},
      ref: {then: "ask", to: asker}} | down
  end;

def page($ref; $after):
  {type: "list", ref: $ref} + (if $after == null then {} else {after: $after} end)
  | store;

def fake:
  if $ARGS.named.test == "yes" then page({then: "fake", n: 0, to: asker}; null)
  else answer(asker; 403; {error: "only with --test"}) end;

def faked:
  .ref as $ref
  | clients as $clients
  | ($ref.n + ($clients | length)) as $n
  | ($clients[]
     | {clientID: ., test: true} as $data
     | if feed then {type: "send", channel: ., data: $data} | up
       else {type: "publish", exchange: into, key: key, policy: "drop", data: $data}
         | down end),
    (if .more then page($ref | .n = $n; .entries[-1].key)
     else answer($ref.to | open; 200; {published: $n}) end);

def request:
  if .path == "/" and .method == "GET" then answer(asker; 200; {status: "ok"})
  elif .path == "/health-check" then
    {type: "respond", conn, status: 200, text: "OK", via: .from}
  elif trusted | not then
    answer(asker; 401; {error: "from loopback only, or with the secret"})
  else
    "\(.method) \(.path)" as $what
    | if $what == "GET /jwt" then token
      elif $what == "POST /v1/create-channel-client" then register
      elif $what == "GET /v1/create-rabbit-ch" then listen
      elif $what == "GET /v1/publish-data-over-ch" then fake
      else answer(asker; 404; {error: "there is nothing here"}) end
  end;

# ---- answers

def done:
  if .ref.then == "join" then
    {type: "join", conn: .ref.conn, channel: .ref.channel} | up
  elif .ref.then == "register" then kept
  elif .ref.then == "created" then created
  elif .ref.then == "ask" then ask(.ref.to)
  elif .ref.then == "asked" then listening
  else empty end;

def failed:
  if .ref.then? == "join" then
    if .ref.ref == null then empty
    else
      {type: "reply", conn: .ref.conn, ref: .ref.ref,
        error: {message: .why, name: "BrokerError"}} | up
    end
  elif .ref.to? then answer(.ref.to | open; 503; {error: .why})
  else empty end;

# ---- the other end of "down"

# A new bridge has bound nothing: who is here, and who is registered?
def again:
  ({type: "who", all: true, ref: {then: "bind"}} | up),
  page({then: "bind"}; null);

def bind_members:
  [.members[] | .channels | open | .[]] | unique | .[]
  | {type: "bind"} + bound(.) | down;

def bind_entries:
  (clients[] | registered(.) | down),
  (if .more then page(.ref; .entries[-1].key) else empty end);

def link:
  if .name == "broker" then
    {type: "metric", name: "rabbitmq",
      value: (if .state == "up" then 1 else 0 end)} | up
  elif .from == "down" and .state == "new" and (feed | not) then again
  else empty end;

if .type == "delivery" then delivery
elif .type == "message" then if .from == "down" then message else empty end
elif .type == "subscribe" then subscribe
elif .type == "post" then post
elif .type == "done" then done
elif .type == "occupied" then occupied
elif .type == "vacated" then vacated
elif .type == "request" then request
elif .type == "entry" then fed
elif .type == "entries" then
  if .ref.then == "fake" then faked else bind_entries end
elif .type == "members" then
  if .ref.then == "claims" then leave_others else bind_members end
elif .type == "claims" then claims
elif .type == "returned" then returned
elif .type == "error" then failed
elif .type == "link" then link
else empty end
