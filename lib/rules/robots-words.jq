# SPDX-License-Identifier: ISC
#
# The words of robots.jq: links, what is kept in files and how it looks there,
# which names are sound, an answer by HTTP.

def up: . + {via: "up"};
def down: . + {via: "down"};
def store: . + {via: "store"};

# --- what is kept ------------------------------------------------------------

# A value as JSON, however deep it is.
def json:
  open
  | if type == "object" then
      "{" + ([to_entries[] | "\(.key | tojson):\(.value | json)"] | join(","))
        + "}"
    elif type == "array" then "[" + (map(json) | join(",")) + "]"
    else tojson end;

def server($text):
  {file: "ServerLogs/{day}.txt", head: "-----SERVER-LOGS-----",
    text: "\n[Server] => \($text)"};

def failure($what; $why):
  server("Internal Server Error\n\($what)\nError-Message: \($why)");

def iso:
  (. / 1000 | floor | strftime("%Y-%m-%dT%H:%M:%S."))
    + (. % 1000 + 1000 | tostring | .[1:]) + "Z";

def date: . / 1000 | floor | strftime("%-m/%-d/%Y, %-I:%M:%S %p");

def noted($name; $keep): {type: "count", name: $name, keep: [$keep]} | up;

def ignored($why):
  {type: "count", name: "robots_ignored", labels: {$why}} | up;

# --- names -------------------------------------------------------------------

def truthy: . != null and . != false and . != "" and . != 0;

def name($most):
  type == "string" and . != "" and utf8bytelength <= $most
    and (test("[\\x00-\\x1f\\x7f-\\x9f]") | not);

# It becomes a part of a file's name.
def file_name: name(180) and (startswith(".") or test("[/\\\\]") | not);

# --- answers ----------------------------------------------------------------

def respond($conn; $status; $data):
  {type: "respond", conn: $conn, status: $status,
    headers: {"content-type": "application/json; charset=utf-8"}, data: $data}
  | up;
