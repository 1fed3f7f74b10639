# SPDX-License-Identifier: ISC
#
# Robots: packages are scheduled by HTTP and sent, at their time, to the robot
# they are for.
#
#  - The listener (link "up") has the robots and the HTTP side.  A robot is the
#    user of its robotAddress; what it told of itself is its state {name,
#    address, dialect}.  The endpoint is --step, so that a message that comes
#    with the metadata finds that state.
#  - rk-jobs (link "down") has the jobs: user is the robot, key the package.
#    What it says of a job is on disk, so an answer is given on its answer.
#  - A due job is two questions: who is the robot, and so which dialect it
#    speaks, then whether the send met anybody.  Only then is the job done.
#  - What is to be written to files is the member `keep` of whatever frame goes
#    up because of it; robots-log.jq, on its way, keeps it.
#  - The two dialects: event, with values as objects, and _event, with a package
#    as a string.
#
# Arguments, all optional:
#   --arg compat yes       refused packages are answered with 200, not 400
#   --arg offline retry    a job whose robot is not there is tried again, and
#                          does not fail at once
#   --argjson block N      close a robot after N refused metadata

def compat: $ARGS.named.compat == "yes";
def offline: $ARGS.named.offline // "fail";
def block: $ARGS.named.block // 0;

def up: . + {via: "up"};
def down: . + {via: "down"};

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

# --- robots ------------------------------------------------------------------

def dialect: if .data | has("_event") then "_event" else "event" end;

def decline($why):
  ((.state.failures // 0) + 1) as $failures
  | {type: "merge", conn, state: {$failures}},
    ({type: "send", conn,
      keep: [failure("Metadata of \(.conn) is refused"; $why)]}
      + if dialect == "event" then {text: "decline metadata reception"}
        else {data: {_event: "Decline metaData reception", value: " "}} end),
    (if block > 0 and $failures >= block then
       {type: "kick", conn, code: 1008, reason: "metadata refused too often"}
     else empty end)
  | up;

def metadata:
  (.data.value | if type == "string" then (try fromjson catch null)
    else open end) as $robot
  | if $robot | type != "object" then decline("no object")
    elif $robot.robotAddress | name(255) | not then decline("robotAddress")
    elif $robot.robotName | file_name | not then decline("robotName")
    else
      ({type: "merge", conn, state: {name: $robot.robotName,
         address: $robot.robotAddress, dialect: dialect, failures: 0}},
       {type: "kick", user: $robot.robotAddress, except: .conn, code: 1008,
         reason: "replaced by a new connection"},
       {type: "identify", conn, user: $robot.robotAddress},
       noted("robots_registered_total";
         server("Client robot meta-data Recieved\nClient: [\(.conn)]\n"
           + "Robot Meta-Data: \($robot | json)")))
      | up
    end;

def log_line:
  noted("robots_messages_total";
    {file: ["ClientLogs", .state.name],
      text: ("[Machine-name]: \(.state.name)\n"
        + "[Machine Connected from socket-id]: \(.conn)\n"
        + "[Message-Content]: \(.data.value | json)\n"
        + "[Message Received Date]: \(.at | date)\n\n")});

def declined:
  if .data.value | name(255) then
    {type: "nack", user: .state.address, key: .data.value,
      why: "declined by the robot", ref: {then: "declined"}} | down
  else ignored("no package") end;

def unregistered:
  noted("robots_unregistered_total";
    failure("Client: [\(.conn)]"; "Unregistered robot sending logs"));

def message:
  if .data | type != "object" then ignored("no object")
  else
    (.data | .event // ._event) as $event
    | if $event == "client robot metaData" then metadata
      elif $event | IN("client robot message", "decline pkg reception",
        "Decline pkg reception") | not then ignored("unknown event")
      elif .state.address == null then unregistered
      elif $event == "client robot message" then log_line
      else declined end
  end;

# --- HTTP --------------------------------------------------------------------

def respond($conn; $status; $data):
  {type: "respond", conn: $conn, status: $status,
    headers: {"content-type": "application/json; charset=utf-8"}, data: $data}
  | up;

def refused: if compat then 200 else 400 end;

def not_received($conn):
  respond($conn; refused; {Alert: "Package hasn't been received successfully"});

def package:
  (.data | if type == "object" then . else {} end
    | [.Package, .Robot, .Schedule] | map(open)) as $parts
  | ($parts | try add catch null) as $all
  | if any($parts[]; type != "object") then not_received(.conn)
    elif [$all | .package_name, .path, .robot_name, .robot_address, .date, .time
      | truthy] | all | not then
      respond(.conn; refused; {Alert: "Package missing required data"})
    elif ($all.package_name | file_name | not)
      or ($all.robot_address | name(255) | not)
      or ([$all | .path, .date, .time | type == "string"] | all | not) then
      not_received(.conn)
    else
      {package_name: $all.package_name, path: $all.path} as $package
      | {type: "schedule", user: $all.robot_address, key: $all.package_name,
          date: $all.date, time: $all.time, data: $package,
          ref: {then: "schedule", conn, $package}}
      | down
    end;

def to_job($command; $id):
  if $id | test("^[0-9]{1,15}$") then
    {type: $command, id: ($id | tonumber), ref: {then: $command, conn, $id}}
    | down
  else respond(.conn; 500; {Alert: "Failed to \($command) job"}) end;

def list_jobs:
  {type: "list", after: ((.query.after // "0") | tonumber? // 0),
    ref: {then: "list", conn}} | down;

def request:
  (.path | ltrimstr("/api") | split("/")[1:]) as $path
  | "\(.method) \($path[0:2] | join("/"))" as $what
  | if $what == "POST pkg" or $what == "POST robots/package" then package
    elif $path[0] == "jobs" and ($path[1] | IN("force", "cancel"))
      and ($path | length) == 3 then to_job($path[1]; $path[2])
    elif $what == "GET jobs" or $path == ["jobs", "get", "all"] then list_jobs
    else respond(.conn; 404; {Error: "there is nothing here"}) end;

# --- what rk-jobs says -------------------------------------------------------

def scheduled:
  (.ref.package | open) as $package
  | {type: "respond", conn: .ref.conn, status: 200,
      text: "Server sent package to scheduler",
      keep: [server("Notification received at server\n"),
        {file: ["packages", "\($package.package_name)_\(.id)"],
          text: ({Package: $package, JobID: .id} | tojson)}]}
  | up;

def forced:
  respond(.ref.conn; 200;
    {Job: .ref.id, Status: "Forced to be executed successfully"});

def cancelled:
  respond(.ref.conn; 200;
    {Job: .ref.id, Status: "Cancelled Job successfully"});

def status:
  {waiting: "Pending", sent: "Pending", done: "Executed", failed: "Failed",
    cancelled: "Cancelled"}[.];

def jobs:
  respond(.ref.conn; 200;
    [.jobs[] | open | {id, at, status: (.state | status), package_name: .key,
      robot_address: .user} + take("why")]);

def error:
  if .from == "up" then ignored("error")
  else
    .ref.then? as $what
    | if $what == "schedule" then not_received(.ref.conn)
      elif $what == "force" or $what == "cancel" then
        respond(.ref.conn; 500; {Alert: "Failed to \($what) job"})
      elif $what == "list" then respond(.ref.conn; 500; {Error: .why})
      else ignored("declined, but not sent") end
  end;

# --- a job is due ------------------------------------------------------------

def due:
  {type: "who", user, ref: {then: "push", id, user, package: .data}} | up;

def absent($id):
  {type: "nack", id: $id, why: "the robot is not connected"}
  + (if offline == "fail" then {tries: 1} else {} end)
  | down;

def notification($dialect):
  if $dialect == "_event" then {_event: "notification", value: json}
  else {event: "notification", value: .} end;

def push:
  .members[-1] as $robot
  | .ref
  | if $robot == null then absent(.id)
    else
      (.package | open) as $package
      | {type: "send", user,
          data: ($package | notification($robot.state.dialect)),
          ref: {then: "pushed", id},
          keep: [server("Sending Package: \($package.package_name) to Client: "
            + $robot.conn)]}
      | up
    end;

def pushed:
  if .conns == 0 then absent(.ref.id) else {type: "done", id: .ref.id} | down end;

def failed:
  noted("robots_failed_total"; failure("Job \(.id), package \(.key)"; .why));

if .type == "message" then message
elif .type == "request" then request
elif .type == "open" then
  noted("robots_connected_total"; server("New client robot connected:  \(.conn)"))
elif .type == "close" then
  noted("robots_disconnected_total"; server("Socket [\(.conn)] disconnected"))
elif .type == "due" then due
elif .type == "members" then push
elif .type == "sent" then pushed
elif .type == "scheduled" then
  if .ref.then == "force" then forced else scheduled end
elif .type == "cancelled" then cancelled
elif .type == "jobs" then jobs
elif .type == "failed" then failed
elif .type == "error" then error
else empty end
