# peers.sh -- sourced by the benches: the servers that stand next to us, each from its Debian package.
# peer_NAME sets PEER_NAME, PEER_PORT, PEER_PID, PEER_TOPICS; 1 when it is not installed or does not start.

peers_keys() { # STATE: all show the gate's own certificate, and trust the same devices
    PEER_KEYS=$1/pki
    PEER_STATE=$1
}

peer_wait() { # PORT PID SECONDS
    local i
    for ((i = 0; i < 10 * $3; i++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

peer_skip() {
    echo "skipped: $1"
    return 1
}

# The one that was started last, with the children that it left its work to.
peer_end() {
    kill ${PEER_PID//,/ } 2>/dev/null
    wait "${BENCH_PEERS[-1]}" 2>/dev/null
}

# peer_mosquitto memory|persistent: MOSQUITTO_PORT, MOSQUITTO_PLAIN, MOSQUITTO_PID.
peer_mosquitto() {
    local folder=$BENCH_WORK/mosquitto-$1
    bench_ports 2 || return 1
    mkdir -p "$folder" && chmod 777 "$folder"
    cat >"$folder/conf" <<C
per_listener_settings false
allow_anonymous true
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
persistence $([ "$1" = memory ] && echo false || echo true)
persistence_location $folder/
autosave_interval 1
user root
listener $BENCH_PORT 127.0.0.1
cafile $PEER_KEYS/issuer-water.pem
certfile $PEER_KEYS/gate-water.pem
keyfile $PEER_KEYS/gate-water.key
require_certificate true
tls_version tlsv1.3
listener $((BENCH_PORT + 1)) 127.0.0.1
C
    mosquitto -c "$folder/conf" >"$folder/log" 2>&1 &
    MOSQUITTO_PID=$! MOSQUITTO_PORT=$BENCH_PORT MOSQUITTO_PLAIN=$((BENCH_PORT + 1))
    BENCH_PEERS+=("$MOSQUITTO_PID")
    peer_wait "$BENCH_PORT" "$MOSQUITTO_PID" 5 || { echo "bench: mosquitto did not start: $(tail -n 1 "$folder/log")"; return 1; }
}

peer_mosquitto_persistent() {
    local pid=$MOSQUITTO_PID port=$MOSQUITTO_PORT plain=$MOSQUITTO_PLAIN
    peer_mosquitto persistent || return 1
    PEER_NAME="mosquitto, snapshot each second" PEER_PORT=$MOSQUITTO_PORT PEER_PID=$MOSQUITTO_PID PEER_TOPICS=$PEER_STATE/topics
    MOSQUITTO_PID=$pid MOSQUITTO_PORT=$port MOSQUITTO_PLAIN=$plain
}

peer_nats() {
    local folder=$BENCH_WORK/nats
    command -v nats-server >/dev/null || { peer_skip "NATS (apt-get install nats-server)"; return 1; }
    bench_ports 2 || return 1
    mkdir -p "$folder"
    cat >"$folder/conf" <<C
server_name: bench
listen: 127.0.0.1:$BENCH_PORT
jetstream { store_dir: "$folder/js" }
mqtt {
  listen: 127.0.0.1:$((BENCH_PORT + 1))
  max_ack_pending: 65535
  tls { cert_file: "$PEER_KEYS/gate-water.pem", key_file: "$PEER_KEYS/gate-water.key", ca_file: "$PEER_KEYS/issuer-water.pem", verify: true }
}
C
    nats-server -c "$folder/conf" >"$folder/log" 2>&1 &
    PEER_NAME="NATS, JetStream" PEER_PORT=$((BENCH_PORT + 1)) PEER_PID=$! PEER_TOPICS=$BENCH_WORK/topics-nats
    BENCH_PEERS+=("$PEER_PID")
    sed 's/v1\.1/v1/' "$PEER_STATE/topics" >"$PEER_TOPICS" # this version takes no '.' in a topic
    peer_wait "$PEER_PORT" "$PEER_PID" 10 || { peer_skip "NATS did not start: $(tail -n 1 "$folder/log")"; return 1; }
}

peer_rabbitmq() {
    local folder=$BENCH_WORK/rabbitmq i
    command -v rabbitmq-server >/dev/null || { peer_skip "RabbitMQ (apt-get install rabbitmq-server)"; return 1; }
    bench_ports 4 || return 1
    mkdir -p "$folder" && chmod 777 "$folder"
    cp "$PEER_KEYS"/{issuer-water.pem,gate-water.pem,gate-water.key} "$folder/" && chmod 644 "$folder"/*
    echo '[rabbitmq_mqtt].' >"$folder/plugins"
    cat >"$folder/rabbitmq.conf" <<C
listeners.tcp.1 = 127.0.0.1:$BENCH_PORT
mqtt.allow_anonymous = true
mqtt.default_user = guest
mqtt.default_pass = guest
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = 127.0.0.1:$((BENCH_PORT + 1))
ssl_options.cacertfile = $folder/issuer-water.pem
ssl_options.certfile = $folder/gate-water.pem
ssl_options.keyfile = $folder/gate-water.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
C
    env HOME="$folder" RABBITMQ_NODENAME=bench@localhost RABBITMQ_NODE_PORT=$BENCH_PORT \
        RABBITMQ_DIST_PORT=$((BENCH_PORT + 2)) ERL_EPMD_PORT=$((BENCH_PORT + 3)) ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_MNESIA_BASE="$folder/mnesia" RABBITMQ_LOG_BASE="$folder/log" \
        RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" \
        /usr/lib/rabbitmq/bin/rabbitmq-server >"$folder/out" 2>&1 &
    PEER_NAME="RabbitMQ" PEER_PORT=$((BENCH_PORT + 1)) PEER_PID=$! PEER_TOPICS=$PEER_STATE/topics
    BENCH_PEERS+=("$PEER_PID")
    peer_wait "$PEER_PORT" "$PEER_PID" 60 || { peer_skip "RabbitMQ did not start: $(tail -n 1 "$folder/out")"; peer_end; return 1; }
    for i in $(pgrep -P "$PEER_PID"); do PEER_PID=$PEER_PID,$i; done
}

# peer_postgres: a durable PostgreSQL with one table, for the two below.
peer_postgres() {
    local bin folder=$BENCH_WORK/postgres i
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
    [ -n "$bin" ] || { peer_skip "PostgreSQL (apt-get install postgresql)"; return 1; }
    [ "$(id -u)" -eq 0 ] || { peer_skip "PostgreSQL: it is started as another user, and this is not root"; return 1; }
    mkdir -p "$folder" && chown postgres "$folder" && chmod 711 "$BENCH_WORK"
    POSTGRES_SOCKET=$folder POSTGRES_BIN=$bin
    as_postgres "$bin/initdb" -D "$folder/data" -A trust >/dev/null 2>&1 || { peer_skip "PostgreSQL: initdb failed"; return 1; }
    setpriv --reuid postgres --regid postgres --clear-groups "$bin/postgres" -D "$folder/data" -k "$folder" \
        -c listen_addresses= >"$BENCH_WORK/postgres.log" 2>&1 &
    BENCH_PEERS+=("$!")
    for ((i = 0; i < 100; i++)); do
        as_postgres psql -qh "$folder" -c 'SELECT 1' postgres >/dev/null 2>&1 && break
        sleep 0.1
    done
    as_postgres psql -qh "$folder" postgres -c \
        'CREATE TABLE observation (stream int, n bigint, at timestamptz, result double precision, PRIMARY KEY (stream, n));
         CREATE SEQUENCE numbers' || { peer_skip "PostgreSQL did not start: $(tail -n 1 "$BENCH_WORK/postgres.log")"; return 1; }
}
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }

# postgres_copy SECONDS: COPY of 1,000 rows a transaction, one client, for about so long.
postgres_copy() {
    local count=$((100 * $1)) begin spent first
    first=$(as_postgres psql -qAth "$POSTGRES_SOCKET" postgres -c "SELECT nextval('numbers')")
    awk -v first="$first" -v count="$count" 'BEGIN {
        for (i = 0; i < count; i++) {
            print "COPY observation FROM STDIN;"
            for (k = 0; k < 1000; k++) printf "%d\t%d%06d\t2026-01-01 00:00:00Z\t%.2f\n", k, first, i, k / 4
            print "\\."
        } }' >"$BENCH_WORK/copy.sql"
    begin=$(date +%s%N)
    as_postgres psql -qh "$POSTGRES_SOCKET" -v ON_ERROR_STOP=1 postgres <"$BENCH_WORK/copy.sql" >/dev/null || return 1
    spent=$(($(date +%s%N) - begin))
    echo "answers_per_s=$((count * 1000000 / (spent / 1000000))) acks_per_s=$((count * 1000000 / (spent / 1000000))) refused=0"
}

# postgres_insert SECONDS: one row a transaction, 16 clients.
postgres_insert() {
    local per_s
    echo "INSERT INTO observation VALUES (1, nextval('numbers'), now(), random());" >"$BENCH_WORK/insert.sql"
    chmod 644 "$BENCH_WORK/insert.sql"
    per_s=$(as_postgres "$POSTGRES_BIN/pgbench" -nh "$POSTGRES_SOCKET" -c 16 -j 1 -T "$1" -M prepared \
        -f "$BENCH_WORK/insert.sql" postgres 2>/dev/null | sed -n 's/^tps = \([0-9]*\).*/\1/p' | head -n 1)
    [ -n "$per_s" ] && echo "answers_per_s=$per_s refused=0"
}
