# bench.sh -- sourced by the benches: a city to load, the peers next to it, rows and their medians.
# Every process that is started here is ended here, by its id. BENCH_WORK is a temporary folder.

. script/city.sh
BENCH_WORK=$(mktemp -d /tmp/bulkhead-bench-XXXXXX)
BENCH_PEERS=()

bench_end() {
    local pid
    for pid in "${BENCH_PEERS[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    [ -n "${CITY_PID:-}" ] && city_stop 2>/dev/null
    rm -rf "$BENCH_WORK"
}
trap bench_end EXIT
trap 'exit 130' INT HUP
trap 'exit 143' TERM

# bench_ports COUNT: BENCH_PORT, the first of so many free ones in a row.
bench_ports() {
    local try i
    for ((try = 0; try < 100; try++)); do
        BENCH_PORT=$((10000 + RANDOM % 20000))
        for ((i = 0; i < $1; i++)); do
            (exec 3<>"/dev/tcp/127.0.0.1/$((BENCH_PORT + i))") 2>/dev/null && continue 2
        done
        return 0
    done
    echo "bench: no free ports" >&2
    return 1
}

# bench_charter FILE ZONES: zone water, which is loaded, on BENCH_PORT (MQTT) and the next (HTTP); others idle.
bench_charter() {
    local file=$1 zones=$2 i port=$BENCH_PORT names=water
    for ((i = 2; i <= zones; i++)); do names="$names zone-$i"; done
    {
        echo 'city "Bench" { number 1 origin bench.example sites hall signers clerk need 1 }'
        echo 'purpose operate "keep the service running"'
        echo "caller operator { role operator zones $names purposes operate }"
        echo 'class water-level { personal no sites hall keep 30d purposes operate }'
        for name in $names; do
            echo "zone $name {"
            echo "    service telemetry tier important sites hall holds water-level"
            echo "    listen mqtts 127.0.0.1:$port https 127.0.0.1:$((port + 1))"
            [ "$name" = water ] && echo "    limits memory 2048MiB cpu 1600% messages 4000000/s disk 16GiB"
            echo "}"
            port=$((port + 2))
        done
    } >"$file"
}

# bench_city STATE ZONES DEVICES: a running city with so many devices, a Thing each; topics and targets in STATE.
bench_city() {
    local state=$1 zones=$2 devices=$3 i
    bench_ports $((2 * zones)) || return 1
    mkdir -p "$state"
    bench_charter "$BENCH_WORK/charter-$zones" "$zones"
    city_prepare "$BENCH_WORK/charter-$zones" "$state" && city_start "$state" || return 1
    [ -t 2 ] && echo "bench: $devices devices are enrolled" >&2
    for ((i = 1; i <= devices; i++)); do city_device "$state" water "dev-$i" || return 1; done
    build/bench/api/generator --port $((BENCH_PORT + 1)) --credentials "$state/field/dev-%d" \
        --connections "$devices" --things "$state/topics" || return 1
    sed 's,^,/,' "$state/topics" >"$state/targets"
}

# The city's processes, for their processor time.
bench_city_pids() {
    local pid list=$CITY_PID
    for pid in $(pgrep -P "$CITY_PID"); do list=$list,$pid; done
    echo "$list"
}

# bench_gate_pid: the gate of zone water, which holds its connections.
bench_gate_pid() {
    local pid
    for pid in $(pgrep -P "$CITY_PID"); do
        grep -q gate "/proc/$pid/comm" && readlink "/proc/$pid/exe" | grep -q bulkhead-gate && echo "$pid" && return
    done
}

bench_resident_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# ---- rows: "SHAPE|SERVER|KEY=VALUE KEY=VALUE ...", a line each ----

bench_row() { # SHAPE SERVER ROUND LINE
    echo "$1|$2|$4" >>"$BENCH_WORK/rows"
}
bench_value() { # LINE KEY
    local word
    for word in $1; do [ "${word%%=*}" = "$2" ] && echo "${word#*=}" && return; done
}
# bench_values SHAPE SERVER KEY: all rounds, sorted.
bench_values() {
    awk -F'|' -v shape="$1" -v server="$2" -v key="$3" '
        $1 == shape && $2 == server {
            n = split($3, words, " ")
            for (i = 1; i <= n; i++) { split(words[i], kv, "="); if (kv[1] == key) print kv[2] }
        }' "$BENCH_WORK/rows" | sort -n
}
bench_median() { # SHAPE SERVER KEY
    bench_values "$@" | awk '{ a[NR] = $1 } END { if (NR) print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2; else print 0 }'
}
bench_spread() { # SHAPE SERVER KEY
    bench_values "$@" | awk 'NR == 1 { low = $1 } { high = $1 } END { if (NR) print low "-" high }'
}
bench_ratio() { awk -v a="$1" -v b="$2" -v f="${3:-%.2f}" 'BEGIN { if (b > 0) printf f, a / b; else print 0 }'; }
bench_load() { cut -d' ' -f1 /proc/loadavg; }
