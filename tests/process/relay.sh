# Sourced by scripts that need a running relay: RELAY is the binary. Gives BASE, ADMIN, KEY and FOLDER, and stops the
# relay and removes its folder when the script ends.

FOLDER=$(mktemp -d)
RELAY_PID=
stop_relay() {
    if [ -n "$RELAY_PID" ]; then
        kill "$RELAY_PID" 2>/dev/null || true
        wait "$RELAY_PID" 2>/dev/null || true
    fi
    rm -rf "$FOLDER"
}
trap stop_relay EXIT

# Ports below the range from which the kernel takes ports for outgoing connections.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    echo "no free port" >&2
    return 1
}

# start_relay [DIALECT]
start_relay() {
    local dialect=${1:-auto} scim admin
    scim=$(free_port)
    admin=$(free_port)
    cat >"$FOLDER/relay.toml" <<CONFIG
data-dir = "data"
[server]
listen = ["127.0.0.1:$scim"]
[admin]
listen = "127.0.0.1:$admin"
[tenants.acme]
base-path = "/scim/v2"
dialect = "$dialect"
[connectors.people]
kind = "json-file"
tenant = "acme"
on-delete = "delete"
[connectors.people.settings]
path = "people.json"
CONFIG
    BASE="http://127.0.0.1:$scim/scim/v2"
    ADMIN="http://127.0.0.1:$admin"
    KEY=$("$RELAY" keys create --config "$FOLDER/relay.toml" --tenant acme --name test)
    "$RELAY" serve --config "$FOLDER/relay.toml" 2>"$FOLDER/relay.log" &
    RELAY_PID=$!
    for _ in $(seq 100); do
        if curl -fsS -o /dev/null "$ADMIN/readyz" 2>/dev/null; then
            return
        fi
        sleep 0.1
    done
    echo "the relay is not ready:" >&2
    cat "$FOLDER/relay.log" >&2
    return 1
}
