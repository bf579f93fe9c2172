# The tables of bench/run: from all its results, an array of what chatload says, each with a `key`,
# `$repetitions`, and `$disturbed`, the cores that others may take before a run counts as disturbed.

def median: sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;
# Where some repetitions were undisturbed, those count, else all.
def at($key; field): map(select(.key == $key)) | map(select((.other_cores // 0) <= $disturbed)) as $quiet
    | if $quiet == [] then . else $quiet end | [.[] | field | select(. != null)] | median;
def digits($n): if . == null then "–" else
    (. * pow(10; $n) | round / pow(10; $n)) end;
def shown: if . == null then "–"
    elif . >= 100 then digits(0) elif . >= 10 then digits(1) elif . >= 1 then digits(2) else digits(3) end
    | tostring;
def cpu($key): at($key; .cpu_us);
def p99: (.latency_us.p99 // empty) / 1000;

# A target on a ratio, or without `peer` on the number itself.
def row($what; $ours; $whom; $peer; $sign; $target):
    (if $whom == "" then $ours elif $ours == null or $peer == null or $peer == 0 then null
     else $ours / $peer end) as $value
    | (if $value == null then "not measured"
       elif ($sign == "≤" and $value <= $target) or ($sign == "≥" and $value >= $target) then "yes"
       else "**no**" end) as $reached
    | "| \($what) | \($ours | shown) | \(if $whom == "" then "–" else "\($whom): \($peer | shown)" end) | "
      + "\(if $whom == "" then "–" else ($value | digits(2) | tostring) end) | \($sign) \($target) | \($reached) |";

def server($name; $key):
    "| \($name) | "
    + ([at("full1 \($key)"; .deliveries_s / 1000), cpu("full1 \($key)"),
        at("full8 \($key)"; .deliveries_s / 1000), cpu("full8 \($key)"),
        cpu("paced \($key)"), at("paced \($key)"; p99),
        at("idle \($key)"; .kib), at("idle \($key)"; .join_cpu_us)] | map(shown) | join(" | ")) + " |";

def ingested($p):
    row("durable acknowledgements a second, one node, P=\($p)"; at("ingest\($p) node"; .acked_s);
        "redis, `appendfsync always`"; at("ingest\($p) redis"; .acked_s); "≥"; if $p == 1 then 0.7 else 1 end),
    row("the same, two nodes and two copies, P=\($p)"; at("ingest\($p) pair"; .acked_s);
        "one node"; at("ingest\($p) node"; .acked_s); "≥"; 0.5);

def targets:
    row("N=1000, P=1, full speed: CPU µs a delivery"; cpu("full1 node"); "redis"; cpu("full1 redis"); "≤"; 1),
    row("N=1000, P=8, full speed: CPU µs a delivery"; cpu("full8 node"); "redis"; cpu("full8 redis"); "≤"; 1),
    row("N=5000, P=1, full speed: CPU µs a delivery"; cpu("large node"); "our N=100"; cpu("small node"); "≤"; 1.3),
    row("N=1000, 20 messages/s: CPU µs a delivery"; cpu("paced node"); "limit"; cpu("paced limit"); "≤"; 1.25),
    row("N=1000, 20 messages/s: p99 ms"; at("paced node"; p99); "limit"; at("paced limit"; p99); "≤"; 1.25),
    row("WebSocket, N=1000, P=1, full speed: CPU µs a delivery, bridge and node"; cpu("full1 web"); ""; 0; "≤"; 1.5),
    row("KiB an idle session, TCP, rooms of 100"; at("idle node"; .kib); ""; 0; "≤"; 3),
    row("KiB an idle session, WebSocket, bridge and node"; at("idle web"; .kib); ""; 0; "≤"; 6),
    row("CPU µs to take in one of the TCP sessions"; at("idle node"; .join_cpu_us); ""; 0; "≤"; 100),
    ingested(1), ingested(8), ingested(64),
    row("sender on one node, 1,000 readers on another, 20 messages/s: p99 ms"; at("apart pair"; p99);
        "on one node"; at("apart node"; p99); "≤"; 1.5),
    row("10,000 rooms of 10, 1,000 messages/s: CPU µs a delivery"; cpu("rooms node");
        "one room of 10"; cpu("room node"); "≤"; 1.25),
    ((map(select(.key == "history")) | map(.messages) | first // 0) as $messages
     | row("a page of 200 anywhere in \($messages) messages, a busy room: p99 ms";
           at("history"; select(.limit == 200 and .kind == "busy") | .p99); ""; 0; "≤"; 2),
       row("the same, one of a hundred quiet rooms: p99 ms";
           at("history"; select(.limit == 200 and .kind == "quiet") | .p99); ""; 0; "≤"; 2));

# What of it is delivering: a stream of Redis has no readers.
def alone($p): at("alone\($p) node"; .acked_s) as $ours | at("ingest\($p) redis"; .acked_s) as $peer
    | if $ours == null or $peer == null then empty
      else "With \($p) senders each in a room of its own, where nobody else reads: \($ours | shown) a second, "
          + "\($ours / $peer | digits(2)) of redis, and \(cpu("alone\($p) node") | shown) CPU µs each instead of "
          + "\(cpu("ingest\($p) node") | shown)." end;

def faults: map(select(.ok == false or .failed)) | if length == 0 then "No run lost, doubled or disordered anything."
    else "Runs with faults: " + (map("\(.key) (\(.failed // .first_error // "lost \(.lost), out of order \(.out_of_order)"))") | join("; ")) + "." end;

"| what | ours | peer, same run | ratio | target | reached |",
"|---|---|---|---|---|---|",
targets,
"",
alone(8), alone(64),
"",
"Side by side: thousands of deliveries a second and CPU µs a delivery at full speed (N=1000), CPU and p99 at 20",
"messages/s to 1,000, memory and CPU to take in one of \(at("idle node"; .conns) | shown) silent sessions (WebSocket: \(at("idle web"; .conns) | shown)).",
"",
"| server | P=1 k/s | P=1 µs | P=8 k/s | P=8 µs | 20/s µs | 20/s p99 ms | idle KiB | join µs |",
"|---|---|---|---|---|---|---|---|---|",
server("limit"; "limit"), server("redis"; "redis"), server("inspircd"; "inspircd"),
server("ours, TCP"; "node"), server("ours, WebSocket"; "web"),
"",
"\(faults) Medians of \($repetitions). \(map(select((.other_cores // 0) > $disturbed)) | length) of \(map(select(.other_cores)) | length) runs were disturbed: other processes took more than \($disturbed) cores."
