# city.sh -- sourced: an open city (README.md). Needs `make programs open`; the caller calls city_stop.

# open_ports BIND HTTP MQTT: OPEN_HTTP and OPEN_MQTT; free ones for 0.
open_ports() {
    local try port
    OPEN_HTTP=$2 OPEN_MQTT=$3
    for ((try = 0; try < 200; try++)); do
        [ "$OPEN_HTTP" != 0 ] && [ "$OPEN_MQTT" != 0 ] && return 0
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/$1/$port") 2>/dev/null && continue
        if [ "$OPEN_HTTP" = 0 ]; then
            [ "$port" != "$OPEN_MQTT" ] && OPEN_HTTP=$port
        else
            [ "$port" != "$OPEN_HTTP" ] && OPEN_MQTT=$port
        fi
    done
    return 1
}

# open_start WORK STATE BIND MESSAGES [SERVICE]: WORK gets the programs; CITY_PID. The service `signals` has commands, and
# with them the sets of Tasking Core.
open_start() {
    local work=$1 state=$2 program service=${5:-telemetry} commands=''
    [ "$service" = signals ] && commands='envelope minimum-green 5s  yellow 3s  all-red 2s  maximum-red 120s
    command  phase-request  lease 10s'
    mkdir -p "$work/bin/libexec" || return 1
    cp build/bulkhead "$work/bin/" || return 1
    for program in build/libexec/bulkhead-*; do cp "$program" "$work/bin/libexec/" || return 1; done
    # The only difference to a city: these two.
    cp build/tests/open/libexec/bulkhead-* "$work/bin/libexec/" || return 1
    BULKHEAD=$work/bin/bulkhead
    . script/city.sh
    mkdir -p "$state" || return 1
    cat >"$state/open.charter" <<END || return 1
city "Open" { number 1  origin open.example  sites here  signers tester  need 1 }
purpose operate "suites that others wrote"
class open { personal no  sites here  purposes operate }
vendor anybody { seat CA  owner CA  state-linked no  support CA }
zone open {
    service $service  tier ordinary  vendors anybody  sites here  holds open
    listen  mqtts $3:$OPEN_MQTT  https $3:$OPEN_HTTP
    limits  memory 4GiB  cpu 800%  messages $4  disk 16GiB
    $commands
    topics  "#"  except "test/nosubscribe"  class open  publish devices  subscribe devices callers  retained 10000  size 48KiB
}
caller open { role administrator  zones open  purposes operate  writes open }
END
    city_prepare "$state/open.charter" "$state" && city_start "$state"
}
