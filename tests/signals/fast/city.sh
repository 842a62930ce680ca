# city.sh -- sourced: a city of one signals zone whose time the street moves (README.md). Needs
# `make programs fast`; the caller calls city_stop.

# fast_start WORK STATE [LEASE]: WORK gets the programs; CITY_PID, FAST_SUMO; FAST_HTTP and FAST_MQTT, its ports. With
# FAST_SUPERVISOR=own the supervisor is the production one: it starts what died after some time of the machine, and takes at
# most 200 messages of a program in a second of it, so at most 80 seconds of the street.
fast_start() {
    local work=$1 state=$2 lease=${3:-10s} program
    mkdir -p "$work/bin/libexec" "$state" || return 1
    cp build/bulkhead "$work/bin/" || return 1
    for program in build/libexec/bulkhead-*; do cp "$program" "$work/bin/libexec/" || return 1; done
    # The only difference to a city: these, and the time that they share.
    cp build/tests/signals/fast/libexec/* "$work/bin/libexec/" || return 1
    [ "${FAST_SUPERVISOR:-}" != own ] || cp build/libexec/bulkhead-supervisor "$work/bin/libexec/" || return 1
    head -c 4096 /dev/zero >"$work/bin/libexec/city.clock" || return 1
    BULKHEAD=$work/bin/bulkhead FAST_SUMO=$work/bin/libexec/sumo
    . script/city.sh
    city_free_ports "$work/ports.charter"
    FAST_MQTT=$(sed -n 's/.*mqtts 127\.0\.0\.1:\([0-9]*84\) .*/\1/p' "$work/ports.charter")
    FAST_HTTP=$(sed -n 's/.*https 127\.0\.0\.1:\([0-9]*44\)$/\1/p' "$work/ports.charter")
    cat >"$state/fast.charter" <<END || return 1
city "Stepwise" { number 1  origin stepwise.example  sites hall  signers tester  need 1 }
purpose operate "measure the signals through a whole city"
class signal-state { personal no  sites hall  keep 30d  purposes operate }
class lane-count   { personal no  sites hall  keep 30d  purposes operate }
class lease-report { personal no  sites hall  keep 30d  purposes operate }
vendor anybody { seat CA  owner CA  state-linked no  support CA  firmware-signed yes }
zone signals {
    service  signals  tier critical  vendors anybody  sites hall  holds signal-state lane-count lease-report
    listen   mqtts 127.0.0.1:$FAST_MQTT   https 127.0.0.1:$FAST_HTTP
    limits   memory 256MiB  cpu 100%  messages 20000/s
    envelope ${FAST_ENVELOPE:-minimum-green 5s  yellow 3s  all-red 1s  maximum-red 120s}
    command  phase-request  lease $lease  rate 3600/h
}
caller operator { role operator  zones signals  purposes operate }
${FAST_MORE:-}
END
    city_prepare "$state/fast.charter" "$state" && city_start "$state"
}

# fast_devices STATE ARGUMENTS...: enrol the intersections that `sumo ARGUMENTS --list` names.
fast_devices() {
    local state=$1 device
    shift
    for device in $("$FAST_SUMO" "$@" --list); do city_device "$state" signals "$device" || return 1; done
}

# fast_street STATE ARGUMENTS...: the street in lock-step with the city; its figures on standard output.
fast_street() {
    local state=$1
    shift
    "$FAST_SUMO" --lock-step --steps-per-second 0 "$@" --devices "$state/field" \
        --mqtts "127.0.0.1:$FAST_MQTT" --https "127.0.0.1:$FAST_HTTP" --status "$state/sumo.status" 2>"$state/sumo.log"
}
