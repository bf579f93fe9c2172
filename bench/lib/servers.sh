# Starting and stopping servers; sourced by bench/run.
#
# PIDS, ADDRESSES and PEERS hold, by a name of the run's own, each server's process, the address it
# serves at and the one that other nodes find it by. Only these processes are ever ended.
# The caller sets work, bench, generator and programs.
# shellcheck shell=bash disable=SC2154,SC2034
declare -A PIDS ADDRESSES PEERS

# Seconds until a server must serve, and until it must have stopped.
START_SECONDS=15
STOP_SECONDS=20

fail() {
  echo "bench/run: $*" >&2
  exit 1
}

# stop NAME...: ends servers in good order, or after a while without it
stop() {
  local name pid
  for name in "$@"; do
    kill "${PIDS[$name]}" 2>/dev/null || true
  done
  for name in "$@"; do
    pid=${PIDS[$name]}
    for _ in $(seq $((STOP_SECONDS * 20))); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.05
    done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    unset "PIDS[$name]"
  done
}

stop_all() {
  [ ${#PIDS[@]} -eq 0 ] || stop "${!PIDS[@]}"
  rm -rf "$work"
}

# until_served NAME CONDITION...: waits until the condition holds
until_served() {
  local name=$1
  shift
  for _ in $(seq $((START_SECONDS * 20))); do
    "$@" && return
    kill -0 "${PIDS[$name]}" 2>/dev/null || break
    sleep 0.05
  done
  tail -5 "$work/$name.log" >&2
  fail "$name did not start"
}

takes_connections() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that nobody listens at, below those that the system hands out.
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 10000))
    takes_connections "$port" || { echo "$port"; return; }
  done
  fail "no free port"
}

# start_other NAME PORT COMMAND...
start_other() {
  local name=$1 port=$2
  shift 2
  "$@" >"$work/$name.log" 2>&1 &
  PIDS[$name]=$!
  ADDRESSES[$name]=127.0.0.1:$port
  until_served "$name" takes_connections "$port"
}

start_limit() {
  local port
  port=$(free_port)
  start_other limit "$port" "$generator/limit" "127.0.0.1:$port"
}

# start_redis NAME OPTION...
start_redis() {
  local name=$1 port
  shift
  port=$(free_port)
  mkdir "$work/$name"
  start_other "$name" "$port" redis-server --port "$port" --bind 127.0.0.1 --loglevel warning \
    --dir "$work/$name" --save "" --maxclients 15000 --client-output-buffer-limit "pubsub 0 0 0" "$@"
}

start_inspircd() {
  local port
  port=$(free_port)
  sed "s/PORT/$port/" "$bench/lib/inspircd.conf" >"$work/inspircd.conf"
  start_other inspircd "$port" inspircd --nofork --nolog --runasroot --config "$work/inspircd.conf"
}

# start_chat NAME PROGRAM OPTION...: a program of ours, which says itself where it serves
start_chat() {
  local name=$1 program=$2 ready=$work/$1.ready
  shift 2
  : >"$ready"
  XDG_CONFIG_HOME=$work/xdg XDG_DATA_HOME=$work/xdg XDG_STATE_HOME=$work/xdg \
    "$programs/$program" --secret-file "$work/secret" --log error --ready-fd 3 "$@" \
    3>"$ready" >"$work/$name.log" 2>&1 &
  PIDS[$name]=$!
  until_served "$name" test -s "$ready"
  ADDRESSES[$name]=$(jq -r '.web // .nodes[0].listen' "$ready")
  PEERS[$name]=$(jq -r '.nodes[0].peer? // empty' "$ready")
}

# start_node NAME OPTION...: with an empty store
start_node() {
  local name=$1
  shift
  rm -rf "$work/data-$name"
  start_chat "$name" chat-node --name "$name" --listen 127.0.0.1:0 --peer 127.0.0.1:0 \
    --data "$work/data-$name" --rate 0 "$@"
}

# start_web NAME NODE
start_web() {
  start_chat "$1" chat-web --listen 127.0.0.1:0 --node "${ADDRESSES[$2]}"
}
