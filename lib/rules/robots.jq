# SPDX-License-Identifier: ISC
#
# Robots: packages are scheduled by HTTP and sent, at their time, to the robot
# they are for.
#
#  - The listener (link "up") has the robots and the HTTP side.  A robot is the
#    user of its robotAddress; what it told of itself is its state {name,
#    address, owner, dialect}.  The endpoint is --step, so that a message that
#    comes with the metadata finds that state.
#  - rk-store (link "store") knows every robot that ever was, under its address:
#    a package is for one of those.  Which connection it has is there, too, and
#    counts while it is one of the listener that asks.
#  - rk-jobs (link "down") has the jobs: user is the robot, key the package.
#    What it says of a job is on disk, so an answer is given on its answer.
#  - A due job is two questions: who is the robot, and so which dialect it
#    speaks, then whether the send met anybody.  Only then is the job done.
#  - What is to be written to files is the member `keep` of whatever frame goes
#    up because of it; robots-log.jq, on its way, keeps it.
#  - What a publisher puts in (link "pub") is for the listener.
#  - The two dialects: event, with values as objects, and _event, with a package
#    as a string.
#
# Arguments, all optional:
#   --arg compat yes       refused packages are answered with 200, not 400
#   --arg offline retry    a job whose robot is not there is tried again, and
#                          does not fail at once
#   --argjson block N      close a robot after N refused metadata
#   --arg auth token       who comes shows a token: $token (--rawfile)
#   --arg auth jwt         or one whose claims the listener has checked

include "robots-words";

def compat: $ARGS.named.compat == "yes";
def offline: $ARGS.named.offline // "fail";
def block: $ARGS.named.block // 0;
def auth: $ARGS.named.auth // "none";
def token: $ARGS.named.token // "" | rtrimstr("\n");

# --- who may come ------------------------------------------------------------

def bearer:
  (.headers.authorization // "") as $header
  | if $header | test("^[Bb]earer ") then $header[7:] else .query.token end;

def may_come:
  if auth == "token" then token != "" and bearer == token
  elif auth == "jwt" then (.claims // {}) != {}
  else auth == "none" end;

# The answer to who may not.
def unauthorized:
  {type: "count", name: "robots_unauthorized_total"},
  (. + {status: 401, data: {error: "unauthorized"}})
  | up;

def opened:
  if .pending and (may_come | not) then
    {type: "reject", conn} | unauthorized
  else
    (if .pending then {type: "accept", conn} | up else empty end),
    noted("robots_connected_total";
      server("New client robot connected:  \(.conn)"))
  end;

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

# What is known of the robot with this state.
def know($state; $socket):
  {type: "put", key: $state.address,
    data: ({robotName: $state.name, robotAddress: $state.address,
      socketID: $socket} + ($state.owner | open)
      + {updatedAt: (.at | iso)})} | store;

# userID or uuid: a number, or a name.
def owner:
  take("userID", "uuid")
  | with_entries(select(.value | type == "number" or name(255)));

def metadata:
  (.data.value | if type == "string" then (try fromjson catch null)
    else open end) as $robot
  | if $robot | type != "object" then decline("no object")
    elif $robot.robotAddress | name(255) | not then decline("robotAddress")
    elif $robot.robotName | file_name | not then decline("robotName")
    else
      {name: $robot.robotName, address: $robot.robotAddress,
        owner: ($robot | owner), dialect: dialect, failures: 0} as $state
      | ({type: "merge", conn, $state},
         {type: "kick", user: $state.address, except: .conn, code: 1008,
           reason: "replaced by a new connection"},
         {type: "identify", conn, user: $state.address},
         noted("robots_registered_total";
           server("Client robot meta-data Recieved\nClient: [\(.conn)]\n"
             + "Robot Meta-Data: \($robot | json)"))
         | up),
        know($state; .conn)
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

def closed:
  noted("robots_disconnected_total"; server("Socket [\(.conn)] disconnected")),
  if .last and .state.address != null then know(.state; null) else empty end;

# --- HTTP --------------------------------------------------------------------

def refused: if compat then 200 else 400 end;

def not_received($conn):
  respond($conn; refused; {Alert: "Package hasn't been received successfully"});

def nothing($what):
  respond(.ref.conn // .conn; 404; {Error: "there is no such \($what)"});

def package:
  (.data | if type == "object" then . else {} end
    | [.Package, .Robot, .Schedule] | map(open)) as $parts
  | ($parts | try add catch null) as $all
  | if any($parts[]; type != "object") then not_received(.conn)
    elif [$all | .package_name, .path, .robot_name, .robot_address, .date, .time
      | truthy] | all | not then
      respond(.conn; refused; {Alert: "Package missing required data"})
    elif ($all.package_name | file_name | not)
      or ([$all | .robot_address, .date, .time | name(255)] | all | not)
      or ($all.path | name(4096) | not) then
      not_received(.conn)
    else
      {type: "get", key: $all.robot_address,
        ref: {then: "schedule", conn, date: $all.date, time: $all.time,
          package: {package_name: $all.package_name, path: $all.path}}}
      | store
    end;

def to_job($command; $id):
  if $id | test("^[0-9]{1,15}$") then
    {type: $command, id: ($id | tonumber), ref: {then: $command, conn, $id}}
    | down
  else respond(.conn; 500; {Alert: "Failed to \($command) job"}) end;

# A page of jobs, of a robot's perhaps.
def jobs_page($robot):
  {type: "list", after: ((.query.after // "0") | tonumber? // 0),
    ref: {then: "jobs", conn, path, $robot}} | down;

def job_by_id($id):
  if $id | test("^[0-9]{1,15}$") then
    {type: "list", after: (($id | tonumber) - 1), limit: 1,
      ref: {then: "job", conn, id: ($id | tonumber)}} | down
  else nothing("job") end;

def robots_page($connected):
  {type: "list", ref: {then: "robots", conn, path, $connected}}
  + (.query | take("after")) | store;

def robot_by_address($address):
  if $address | name(255) then
    {type: "get", key: $address, ref: {then: "robot", conn}} | store
  else nothing("robot") end;

def home: {type: "stats", ref: {then: "home", conn}} | down;

def admitted:
  (.path | ltrimstr("/api") | split("/")[1:] | map(select(. != ""))) as $path
  | ($path[0:-1] | join("/")) as $within
  | ($path | join("/")) as $whole
  | if .method == "POST" and ($whole | IN("pkg", "robots/package")) then package
    elif $within | IN("jobs/force", "jobs/cancel") then
      to_job($path[1]; $path[2])
    elif .method != "GET" then nothing("thing")
    elif $whole | IN("jobs", "jobs/get", "jobs/get/all") then jobs_page(null)
    elif $within == "jobs/get/id" then job_by_id($path[-1])
    elif $within == "jobs/get/robot" then jobs_page(.params.key)
    elif $whole | IN("robots/get", "robots/get/all") then robots_page(false)
    elif $whole == "robots/get/all/connected" then robots_page(true)
    elif $within | IN("robots/get/id", "robots/get/address") then
      robot_by_address(.params.key)
    elif $whole == "home" then home
    else nothing("thing") end;

def request:
  if may_come then admitted
  else
    {type: "respond", conn, headers: {"www-authenticate": "Bearer"}}
    | unauthorized
  end;

# --- what rk-store says ------------------------------------------------------

# Whose connection is one of the listener's that answers is connected.
def robot($conn):
  open
  | (.socketID != null and ($conn | split(".")[0]) ==
      (.socketID | split(".")[0])) as $connected
  | {id: .robotAddress} + .
    + {socketID: (if $connected then .socketID else null end), $connected};

# Where there is more than a page, its Link says where.
def page($values; $after):
  .more as $more
  | .ref.path as $path
  | respond(.ref.conn; 200; $values)
  | if $more then
      .headers += {link: "<\($path)?after=\($after | @uri)>; rel=\"next\""}
    else . end;

def robots:
  .ref as $ref
  | page([.entries[].data | robot($ref.conn)
      | select(($ref.connected | not) or .connected)]; .entries[-1].key);

def entry:
  if .ref.then == "schedule" then
    if .absent then not_received(.ref.conn)
    else
      .ref.package as $package
      | {type: "schedule", user: .key, key: ($package | open | .package_name),
          date: .ref.date, time: .ref.time, data: $package,
          ref: {then: "schedule", conn: .ref.conn, $package}}
      | down
    end
  elif .absent then nothing("robot")
  else .ref.conn as $conn | respond($conn; 200; .data | robot($conn)) end;

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

def job:
  {waiting: "Pending", sent: "Pending", done: "Executed", failed: "Failed",
    cancelled: "Cancelled"} as $status
  | open
  | {id, at, status: $status[.state], package_name: .key, robot_address: .user}
    + take("why");

def jobs:
  .ref as $ref
  | if $ref.then == "job" then
      [.jobs[] | open | select(.id == $ref.id)] as $found
      | if $found == [] then nothing("job")
        else respond($ref.conn; 200; $found[0] | job) end
    else
      page([.jobs[] | open
        | select($ref.robot == null or .user == $ref.robot) | job];
        .jobs[-1] | open | .n | tostring)
    end;

# --- the three counts of home ------------------------------------------------

def counted:
  .ref as $ref
  | (.data | open) as $all
  | if $ref.jobs == null then
      {type: "stats", ref: ($ref + {jobs: ($all
        | {jobs: (.jobs_waiting + .jobs_done + .jobs_failed + .jobs_cancelled),
            pending: .jobs_waiting, executed: .jobs_done, failed: .jobs_failed,
            cancelled: .jobs_cancelled})})}
      | store
    elif $ref.robots == null then
      {type: "stats", ref: ($ref + {robots: $all.store_entries})} | up
    else
      respond($ref.conn; 200; ($ref.jobs | open)
        + {connected: $all.users, disconnected: ($ref.robots - $all.users)})
    end;

def error:
  .ref.then? as $what
  | if $what == "schedule" then not_received(.ref.conn)
    elif $what | IN("force", "cancel") then
      respond(.ref.conn; 500; {Alert: "Failed to \($what) job"})
    elif .ref.conn? != null then respond(.ref.conn; 500; {Error: .why})
    elif $what == "declined" then ignored("declined, but not sent")
    else ignored("error") end;

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
elif .type == "open" then opened
elif .type == "close" then closed
elif .type == "due" then due
elif .type == "members" then push
elif .type == "sent" then pushed
elif .type == "entry" then entry
elif .type == "entries" then robots
elif .type == "scheduled" then
  if .ref.then == "force" then forced else scheduled end
elif .type == "cancelled" then cancelled
elif .type == "jobs" then jobs
elif .type == "failed" then failed
elif .type == "stats" then counted
elif .type == "error" then error
elif .from == "pub" then up
else empty end
