# lib.sh -- sourced by test scripts: counts what holds, and says what does not.
passed=0
failed=0

# check WHAT COMMAND...: the command must succeed.
check() {
    local what=$1
    shift
    if "$@" >"$work/last" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        tail -n 5 "$work/last"
    fi
}

# refuse WHAT STATUS TEXT COMMAND...: the command must end with this status and say this text.
refuse() {
    local what=$1 want=$2 text=$3 status
    shift 3
    "$@" >"$work/last" 2>&1
    status=$?
    if [ $status -eq "$want" ] && grep -qF -- "$text" "$work/last"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what (status $status, wanted $want and '$text')"
        tail -n 5 "$work/last"
    fi
}

# For what becomes true in a moment.
until_ok() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -ge $end ] && { "$@"; return 1; }
        sleep 0.2
    done
}

finish() {
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
}
