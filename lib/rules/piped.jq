# SPDX-License-Identifier: ISC
#
# Piped: a WebSocket API bus.  A client's method call goes to the back end
# with the client's token; what the back end says goes to all of a token.
#
#  - The listener (link "up") has the clients; its users are the tokens.  The
#    back end (link "down") is rk-amqp-bridge or, bare, any program.
#  - Method calls leave as the object {id, method, token, payload}, keys in
#    this order, what is absent absent.
#  - What is the client's own fault, and "ping", are answered here, to the
#    connection that asked.
#  - What comes from the back end is not checked but for its token.  What has
#    none is junk: counted, and done with, or the queue would stop at it.
#  - A publisher (rk-publish) gives `send` frames; one with an event becomes
#    Piped's event.  Its other frames go where they are understood.
#
# Arguments, all optional:
#   --arg compat yes    as the original: errors and pongs go to every
#                       connection of the token; a token may be ["T"]
#   --arg bus NAME      the link or name whose state is service_rabbitmq
#                       ("broker"; of a bare back end: "down")

def compat: $ARGS.named.compat == "yes";
def bus: $ARGS.named.bus // "broker";

def up: . + {via: "up"};
def down: . + {via: "down"};

# What JavaScript makes of a value as text; of a long array, its beginning.
def text:
  open
  | if type == "object" then "[object Object]"
    elif type == "array" then
      [.[:1000][] | if . == null then "" else text end] | join(",")
    else tostring
    end;

def falsy: . == null or . == false or . == "" or . == 0;

# To who caused it; in the original to all who share its token.
def back($data):
  {type: "send"} + (if compat then take("user") else take("conn") end)
  + {data: $data, via: .from};

def complain($what):
  back({type: "event", event: "error",
    payload: {message: "\($what) \(.text[:4096])"}});

def call:
  if has("data") | not then
    (if has("base64") then .text = (.base64 | @base64d) else . end)
    | complain("Can not parse json")
  elif (.data | type) != "object" or (.data.method | falsy) then
    .text = (.data | text) | complain("Method is not specified in json")
  elif .data.method == "ping" then
    back({type: "event", event: "pong"})
  else
    {type: "publish",
     data: ((.data | take("id", "method")) + {token: .user}
       + (.data | take("payload")))}
    | down
  end;

def junk: {type: "count", name: "piped_junk"} | up;

# A call for which the broker has no queue any more; it was its to keep.
def unroutable: {type: "count", name: "piped_unroutable"} | up;

def token:
  if type == "string" then .
  elif compat and type == "array" then text
  else null
  end;

def result:
  if (.data | type) != "object" then junk
  elif .data.token | token == null then junk
  else {type: "send", user: (.data.token | token), data: (.data | del(.token))}
    | up
  end;

def published:
  if has("event") | not then .
  elif has("base64") then refuse("the payload of an event is JSON or text")
  else
    .data = {type: "event", event} +
      (if has("data") then {payload: .data}
       elif has("text") then {payload: .text}
       else {} end)
    | del(.event, .text)
  end
  | up;

def bus_is($value): {type: "metric", name: "rabbitmq", value: $value} | up;

def link:
  if (.name // .from) == bus then bus_is(if .state == "down" then 0 else 1 end)
  elif .from == "down" and .state == "down" then bus_is(0)
  else empty
  end;

if .type == "message" then if has("conn") then call else result end
elif .type == "delivery" then result
elif .type == "returned" then unroutable
elif .type == "send" then published
elif .type == "link" then link
elif .type | IN("reply", "respond", "accept", "reject", "identify", "join",
  "leave", "merge", "who", "kick", "metric", "count", "stats") then up
elif .type | IN("publish", "consume", "declare", "bind", "unbind") then down
else empty
end
