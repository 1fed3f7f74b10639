# SPDX-License-Identifier: ISC
#
# The connection layer: many clients and one server, who share merged data.
# {"connect":"client"} or {"connect":"server"} takes a role; the object in
# {"data":{...}} is merged into the sender's data and told to the other side.
#
# Nothing is kept here.  What there is to know is in the listener's roster:
#
#   state     {role, data}; a role is client, candidate, server or former
#   user      to whom things are sent: a client is the user of its integer id,
#             the server is "server", one that was the server is "former"
#   channels  "clients", for what goes to all of them; "lobby", those who are
#             about to be greeted, and the server; "server", the slot, which
#             candidates enter and only the newest one keeps
#
# Order.  The endpoint is --step: a connection's next event leaves when the
# commands made of its last one were applied, and its `state` shows them.  So
# what the next event must find (role, data) is changed at once, and what must
# be known is asked in the same breath.  An answer shows the roster as it was
# when the question was applied, and comes before whatever happened later.
# Hence
#
#  - a client is told its first word by the commands that make it a user and a
#    member: it hears nothing before that, and misses nothing after;
#  - a server hears of each client once before anything else of it: who is not
#    in the clients yet when it asks is still in the lobby;
#  - who is gone before it could enter the lobby is told to nobody, and its
#    close shows no role;
#  - `join` and `who` of the slot are applied as one, so of two candidates the
#    later one sees the earlier one, and not the other way round;
#  - the server is gone when the slot is vacated, and not before.
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
def told($conn; $why): {type: "send", conn: $conn, data: {error: $why}};
def ended($conn; $why):
  told($conn; $why), {type: "kick", conn: $conn, code: 1008, reason: $why};

# A client: it waits in the lobby, where it meets the server, if there is one.

def connect_client:
  {type: "merge", conn, state: {role: "client", data: {}}},
  (if .state.role == "server" then {type: "leave", conn, channel: "server"}
   else empty end),
  {type: "join", conn, channel: "lobby"},
  {type: "who", channel: "lobby", ref: {then: "greet", conn, n}};

def greet:
  .ref as {$conn, $n}
  | if [.members[].conn] | index($conn) | not then empty
    else
      {type: "identify", conn: $conn, user: "\($n)"},
      {type: "leave", conn: $conn, channel: "lobby"},
      {type: "join", conn: $conn, channel: "clients"},
      {type: "send", conn: $conn, data: {client_id: $n, server_data:
        (first(.members[] | select(.state.role == "server")) // {}
         | .state.data | shown)}},
      {type: "send", user: "server",
        data: {client_id: $n, client_data: ({} | shown)}}
    end;

# A server: a candidate enters the slot, and is served or refused by who is in
# it already; then it hears of every client, and each client of it.

def connect_server:
  .state.role as $was
  | {type: "merge", conn,
      state: {role: (if $was == "server" then $was else "candidate" end)}},
    {type: "join", conn, channel: "server"},
    {type: "who", channel: "server", ref: {then: "serve", conn, was: $was}};

def demote:
  {type: "merge", conn, state: {role: "former"}},
  {type: "identify", conn, user: "former"},
  {type: "leave", conn, channel: "lobby"},
  {type: "leave", conn, channel: "server"},
  (if takeover == "silent" then empty
   else ended(.conn; "another server took over") end);

# Its data: what it had as a server; what the old one had, if that goes in
# silence; else nothing.
def serve:
  .ref as {$conn, $was}
  | first(.members[] | select(.conn == $conn)) as $me
  | [.members[] | select(.conn != $conn)] as $olds
  | if takeover == "refuse" and $olds != [] then
      {type: "leave", conn: $conn, channel: "server"},
      ended($conn; "there is a server already")
    else
      (if $was == "server" or $was == "candidate" then $me.state.data
       elif takeover == "silent" then $olds[-1].state.data
       else {} end // {}) as $data
      | {then: "list", conn: $conn, data: $data} as $ref
      | ($olds[] | demote),
        {type: "merge", conn: $conn, state: {role: "server", data: $data}},
        {type: "leave", conn: $conn, channel: "clients"},
        {type: "join", conn: $conn, channel: "lobby"},
        {type: "who", channel: "clients", ref: $ref},
        {type: "who", channel: "lobby", ref: $ref}
    end;

def list:
  .ref as {$conn, $data}
  | {type: "identify", conn: $conn, user: "server"},
    (.members[] | select(.state.role == "client")
     | {type: "send", conn: $conn,
         data: {client_id: .n, client_data: (.state.data | shown)}},
       {type: "send", conn, data: {server_data: ($data | shown)}});

# Data: merged and told.  A candidate's is told as it will have been served.

def new_data: .data.data | if . == [] then {} else . end;
def merged: (.state.data // {} | open) + (new_data | open) | shown;
def merge($ref):
  {type: "merge", conn, key: "data", state: new_data} + $ref;

def data_of_client:
  merge({}),
  {type: "send", user: "server", data: {client_id: .n, client_data: merged}};

def data_of_server:
  merge({}), {type: "send", channel: "clients", data: {server_data: merged}};

def served:
  .members[] | select(.state.role == "server")
  | {type: "send", channel: "clients",
      data: {server_data: (.state.data | shown)}};

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
    elif $role == "client" then data_of_client
    elif $role == "server" and $id == null then data_of_server
    elif $role == "candidate" and $id == null then merge({ref: {then: "told"}})
    elif $role == "candidate" and takeover == "refuse" then
      told(.conn; "not the server yet")
    elif $role == "candidate" or $role == "server" then unicast($id)
    else ignored("no role") end;

def message:
  if .data | type != "object" then ignored("no object")
  elif .data.connect == "client" then connect_client
  elif .data.connect == "server" then connect_server
  elif .data.connect == null and .data.data != null then data
  else ignored("neither connect nor data") end;

def close:
  if .state.role == "client" or (.channels | index("clients"))
    or (compat and (.channels | index("server") | not))
  then {type: "send", user: "server", data: {client_disconnect: .n}}
  else empty end;

if .type == "message" then message
elif .type == "close" then close
elif .type == "vacated" and .channel == "server" then
  {type: "send", channel: "clients", data: {server_disconnect: true}}
elif .type == "members" then
  if .ref.then == "greet" then greet
  elif .ref.then == "serve" then serve
  elif .ref.then == "list" then list
  else served end
elif .type == "sent" and .conns == 0 then nobody
else empty end
