# city.sh -- sourced by script/demo and the tests: start, ask and stop a city of a charter.
# Every process that is started here is ended here, by its id.

BULKHEAD=${BULKHEAD:-build/bulkhead}

# city_prepare CHARTER STATE: keys of the signers at the first start, a signed copy of the charter.
city_prepare() {
    local charter=$1 state=$2 signer
    mkdir -p "$state" || return 1
    chmod 700 "$state" || return 1 # not ours?
    if [ ! -f "$state/signers.pub" ]; then
        rm -rf "$state/signers" # half of them, if any: nothing was signed with them yet
        # shellcheck disable=SC2046
        "$BULKHEAD" charter keygen --out "$state/signers" $(sed -n '/^ *#/d; s/^.*\bsigners  *\(.*\)/\1/p' "$charter" |
            sed 's/need.*//') >/dev/null || return 1
        cp "$state/signers/signers.pub" "$state/signers.new" &&
            mv "$state/signers.new" "$state/signers.pub" || return 1
    fi
    cp "$charter" "$state/signed.charter" || return 1
    rm -f "$state/signed.charter.sig"
    for signer in "$state"/signers/*.key; do
        "$BULKHEAD" charter sign "$state/signed.charter" --signer "$(basename "$signer" .key)" \
            --key "$signer" >/dev/null || return 1
    done
}

# city_start STATE: in the background, out of reach of the terminal's Ctrl-C, which is for who started it;
# CITY_PID; 0 when `ready` came within 90 s.
city_start() {
    local state=$1 i
    : >"$state/up.out"
    setsid "$BULKHEAD" up --charter "$state/signed.charter" --state "$state" >"$state/up.out" 2>>"$state/city.log" &
    CITY_PID=$!
    for ((i = 0; i < 900; i++)); do
        grep -q '^ready$' "$state/up.out" && return 0
        kill -0 "$CITY_PID" 2>/dev/null || break
        sleep 0.1
    done
    kill "$CITY_PID" 2>/dev/null
    wait "$CITY_PID" 2>/dev/null
    grep '^bulkhead:' "$state/city.log" | tail -n 3 >&2
    return 1
}

# city_stop: in order; the city's exit status.
city_stop() {
    kill -TERM "$CITY_PID" 2>/dev/null
    wait "$CITY_PID"
}

# city_free_ports FILE: the demo charter on ports that are free, so that a running demo, or another
# test, is not disturbed.
city_free_ports() {
    local try prefix port free
    for ((try = 0; try < 50; try++)); do
        prefix=$((110 + RANDOM % 190)) free=1
        for port in 44 45 46 47 84 85 86 87; do
            (exec 3<>"/dev/tcp/127.0.0.1/$prefix$port") 2>/dev/null && free=0 && break
        done
        [ $free -eq 1 ] && break
    done
    sed "s/127\.0\.0\.1:8[48]/127.0.0.1:$prefix/g" charters/demo.charter >"$1"
}

# city_port STATE ZONE mqtts|https: the port in the charter.
city_port() {
    awk -v zone="$2" -v kind="$3" '
        $1 == "zone" { inside = ($2 == zone) }
        inside { for (i = 1; i < NF; i++) if ($i == kind) { n = split($(i + 1), a, ":"); print a[n]; exit } }
    ' "$1/signed.charter"
}

# city_device STATE ZONE NAME: enrol; credentials in STATE/field/NAME.
city_device() {
    [ -f "$1/field/$3/cert.pem" ] && return 0
    mkdir -p "$1/field"
    "$BULKHEAD" device add --state "$1" "$2" "$3" --out "$1/field/$3" >/dev/null
}

# city_get STATE CALLER ZONE PURPOSE PATH: an answer of the zone's API, with a fresh token.
city_get() {
    local token
    token=$("$BULKHEAD" token --state "$1" --as "$2" --zone "$3" --purpose "$4") || return 1
    curl -sS --max-time 20 --cacert "$1/callers/$2/ca.pem" --cert "$1/callers/$2/cert.pem" \
        --key "$1/callers/$2/key.pem" -H "Authorization: Bearer $token" \
        "https://127.0.0.1:$(city_port "$1" "$3" https)$5"
}

# city_counter STATE COUNTER: the sum over all processes.
city_counter() {
    "$BULKHEAD" status --state "$1" --json | jq "[.processes[].counters.$2 // 0] | add"
}

# field_value FILE KEY: of a field program's status file, 0 when it is not there.
field_value() {
    local value
    value=$(sed -n "s/^$2=//p" "$1" 2>/dev/null | tail -n 1)
    echo "${value:-0}"
}

# city_witness STATE NAME [ADDRESS:PORT]: a witness of all logs of this city, as an outside body would run it. Key,
# memory and output in STATE/witnesses/NAME; WITNESS_PID; 0 when it serves.
city_witness() {
    local state=$1 name=$2 own=$1/witnesses/$2 vkey i arguments=()
    mkdir -p "$own/seen" && chmod 700 "$own/seen" || return 1
    if [ ! -f "$own/key" ]; then
        "$BULKHEAD" witness --make-key "$name.example" --key "$own/key" >"$own/vkey" || return 1
    fi
    for vkey in "$state"/keys/ledger-*.vkey; do arguments+=(--log "$(cat "$vkey")"); done
    : >"$own/out"
    setsid "$BULKHEAD" witness --key "$own/key" --state "$own/seen" --listen "${3:-127.0.0.1:0}" "${arguments[@]}" \
        >"$own/out" 2>>"$own/log" &
    WITNESS_PID=$!
    for ((i = 0; i < 200; i++)); do
        grep -q '^ready' "$own/out" && return 0
        kill -0 "$WITNESS_PID" 2>/dev/null || break
        sleep 0.05
    done
    tail -n 1 "$own/log"
    wait "$WITNESS_PID"
    i=$?
    WITNESS_PID=
    return $i
}

# city_policy STATE RULE NAME...: a trust policy with these witnesses; RULE is a number, any or all.
city_policy() {
    local state=$1 rule=$2 name
    shift 2
    for name in "$@"; do
        sed -n "s/^ready \([^ ]*\) \(.*\)/witness $name \2 \1/p" "$state/witnesses/$name/out"
    done
    printf 'group enough %s %s\nquorum enough\n' "$rule" "$*"
}
