# SPDX-License-Identifier: ISC
#
# The connection layer: many clients and one server, who share merged data.
# {"connect":"client"} or {"connect":"server"} takes a role; the object in
# {"data":{...}} is merged into the sender's data and told to the other side.
#
# Nothing is kept here.  What there is to know is in the listener's roster:
#
#   state     {role, data}; a role is client, candidate, server or former
#   user      a client is the user of its integer id, the server is "server",
#             one that was the server is "former"
#   channels  "clients", for what goes to all of them; "lobby", those who are
#             about to be greeted; "server", the slot, which has room for one
#
# Order.  The endpoint is --step: a connection's next event leaves when the
# commands made of its last one were applied, and its `state` shows them.  So
# what the next event must find is changed at once, and what must be known is
# asked in the same breath.  An answer shows the roster as it was when the
# question was applied, and comes before whatever happened later.  Hence
#
#  - updates are told in the order of the merges, each with what its merge made;
#  - a client is told its first word by the commands that make it a user and a
#    member: it hears nothing before that, and misses nothing after;
#  - who is no member yet when a new server asks for them is in the lobby still,
#    or will meet it when greeted;
#  - the slot is left and taken by the same commands, so the last one to take it
#    has it, and what others say as the server then is told to nobody;
#  - who is gone by then is no member, and is told to nobody, nor its end;
#  - the server is gone when the slot is empty and all is told for it.
#
# tests/clients/layer-model.js plays these arguments in random orders.
#
# Arguments, all optional:
#   --arg takeover refuse|silent  what becomes of a second server ("replace")
#   --argjson empty {}            how empty data is written ([])
#   --arg compat yes              as the original: a secret for nobody goes to
#                                 every client, an id may be spelled oddly,
#                                 every close is told

def compat: $ARGS.named.compat == "yes";
def takeover: $ARGS.named.takeover // "replace";

def shown: if . == {} or . == null then $ARGS.named.empty // [] else . end;
def ignored($why): {type: "count", name: "layer_ignored", labels: {$why}};
def told($to; $why): {type: "send"} + $to + {data: {error: $why}};
def ended($to; $why):
  told($to; $why), {type: "kick"} + $to + {code: 1008, reason: $why};

# Data is merged, then told as the merge left it: update.
def merge_data($object):
  {type: "merge", conn, key: "data", state: $object, ref: {then: "update"}};

# A client: greeted with the server's data, then announced as if it had sent
# none of its own.

def connect_client:
  {type: "merge", conn, state: {role: "client", data: {}}},
  (if .state.role == "server" or .state.role == "candidate" then
     {type: "leave", conn, channel: "server"}
   else empty end),
  {type: "join", conn, channel: "lobby"},
  {type: "who", channel: "server", ref: {then: "greet", conn, n}};

def greet:
  .members as $servers
  | .ref
  | {type: "identify", conn, user: "\(.n)"},
    {type: "leave", conn, channel: "lobby"},
    {type: "join", conn, channel: "clients"},
    {type: "send", conn,
      data: {client_id: .n, server_data: ($servers[0].state.data | shown)}},
    merge_data({});

# A server: it takes the slot, hears of every client, and each client of it.
# Who must not, or not so, is asked for first, and meanwhile a candidate.

def take_slot($data):
  {type: "merge", conn, state: {role: "server", data: $data}},
  {type: "leave", user: "server", channel: "server"},
  {type: "join", conn, channel: "server"},
  (if takeover == "silent" then empty
   else ended({user: "server", except: .conn}; "another server took over")
   end),
  {type: "identify", conn, user: "server"},
  {type: "leave", conn, channel: "clients"},
  {type: "who", channel: "clients", ref: {then: "list", conn, data: $data}},
  {type: "who", channel: "lobby", ref: {then: "list", data: $data}};

def demote:
  {type: "leave", conn, channel: "server"},
  {type: "merge", conn, state: {role: "former"}},
  {type: "identify", conn, user: "former"};

def serve:
  .members as $olds
  | .ref
  | if takeover == "refuse" and $olds != [] then
      ended({conn}; "there is a server already")
    else ($olds[] | demote), take_slot($olds[0].state.data // {}) end;

# Who is the server already hears of every client again, and they of its data.
def connect_server:
  if .state.role == "server" then
    {type: "who", channel: "clients", ref: {then: "list", conn}}, merge_data({})
  elif .state.role == "candidate" then ignored("asked already")
  elif takeover == "replace" then take_slot({})
  else
    {type: "merge", conn, state: {role: "candidate"}},
    {type: "who", channel: "server", ref: {then: "serve", conn}}
  end;

# To the server (conn) each client, to each client the server's data, or one of
# both: who is in the lobby is announced when it is greeted.
def list:
  .ref as $ref
  | .members[] | select(.state.role == "client")
  | (if $ref | has("conn") then
       {type: "send", conn: $ref.conn,
         data: {client_id: .n, client_data: (.state.data | shown)}}
     else empty end),
    (if $ref | has("data") then
       {type: "send", conn, data: {server_data: ($ref.data | shown)}}
     else empty end);

# It is missed when the slot was vacated and still is, now that all is told
# that was to be told for it.
def miss:
  select(.members == [])
  | {type: "send", channel: "clients", data: {server_disconnect: true}};

# Data, as the roster has it.

def update:
  .members[]
  | (.state.data | shown) as $data
  | if .state.role == "client" and (.channels | index("clients")) then
      {type: "send", channel: "server",
        data: {client_id: .n, client_data: $data}}
    elif .channels | index("server") then
      {type: "send", channel: "clients", data: {server_data: $data}}
    else empty end;

# The user of a client_id, or null.  A string of digits is one, as in PHP.
def client:
  if type == "string" and test("^[0-9]{1,15}$") then tonumber
  elif type == "number" then open
  elif compat and . == true then 1
  else null end
  | if . == null or (. != floor and (compat | not)) then null
    else floor | tostring end;

def unknown($conn; $id):
  {type: "send", conn: $conn, data: {error: "no such client", client_id: $id}};

# What was not merged changed nothing, and nobody else is told.
def too_large:
  told({conn}; "data is larger than 64 KiB"), ignored("too large");

# A secret, for one client.  Who is not there is found out by sending it.
def unicast($id):
  ($id | client) as $user
  | {server_data: .data.data} as $data
  | if $user == null then unknown(.conn; $id)
    else {type: "send", user: $user, data: $data,
      ref: ({conn, id: $id} + if compat then {$data} else {} end)} end;

def nobody:
  if compat then {type: "send", channel: "clients", data: .ref.data}
  else .ref as {$conn, $id} | unknown($conn; $id) end;

def data:
  .state.role as $role
  | ([.data.data | open | .client_id?] | first) as $id
  | if .data.data | type != "object" and . != [] then ignored("no object")
    elif $role == "client" or
      $id == null and ($role == "candidate" or $role == "server") then
      merge_data(.data.data | if . == [] then {} else . end)
    elif $role == "candidate" and takeover == "refuse" then
      told({conn}; "not the server yet")
    elif $role == "candidate" or $role == "server" then unicast($id)
    else ignored("no role") end;

def message:
  if .data | type != "object" then ignored("no object")
  elif .data.connect == "client" then connect_client
  elif .data.connect == "server" then connect_server
  elif .data.connect == null and .data.data != null then data
  else ignored("neither connect nor data") end;

def close:
  if .channels | index("clients") or (compat and (index("server") | not)) then
    {type: "send", channel: "server", data: {client_disconnect: .n}}
  else empty end;

if .type == "message" then message
elif .type == "close" then close
elif .type == "vacated" and .channel == "server" then
  {type: "who", channel: "server", ref: {then: "miss"}}
elif .type == "members" then
  if .ref.then == "greet" then greet
  elif .ref.then == "serve" then serve
  elif .ref.then == "list" then list
  elif .ref.then == "miss" then miss
  else update end
elif .type == "error" and .ref.then? == "update" then too_large
elif .type == "sent" and .conns == 0 then nobody
else empty end
