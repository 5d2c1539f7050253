#!/usr/bin/env bash
# What the relay exposes, as Prometheus reads it, and that the alert rules name nothing else:
# tests/metrics.sh BINARY PROMTOOL
set -euo pipefail
cd "$(dirname "$0")/.."
RELAY=$(realpath "$1")
PROMTOOL=$2

# shellcheck source=tests/process/relay.sh
. tests/process/relay.sh
start_relay
scim() {
    curl -fsS -o /dev/null -H "Authorization: Bearer $KEY" -H "Content-Type: application/scim+json" "$@"
}
"$RELAY" keys create --config "$FOLDER/relay.toml" --tenant acme --name ends --expires 30 >/dev/null
scim "$BASE/Users" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jane@acme.example"}'
scim "$BASE/Users?filter=userName%20eq%20%22jane@acme.example%22"
# Refused: it is counted as not understood.
scim "$BASE/Users?filter=userName%20regex%20%22jane%22" 2>/dev/null && exit 1
# Numbers read from the store may be some seconds old.
for _ in $(seq 30); do
    curl -fsS "$ADMIN/metrics" >"$FOLDER/metrics"
    grep -q '^scim_relay_key_expiry_seconds{' "$FOLDER/metrics" && break
    sleep 1
done
"$PROMTOOL" check metrics <"$FOLDER/metrics"

# The name of a person or a key must never become a label.
if grep -F -e jane -e "$KEY" "$FOLDER/metrics"; then
    echo "personal data or a secret in the metrics" >&2
    exit 1
fi

# Alert rules must not wait for what never comes. Of panics there is nothing to show.
missing=0
for metric in $(grep -oE 'scim_relay_[a-z_]+' deploy/prometheus/alerts.yml | sort -u); do
    [ "$metric" = scim_relay_panics_total ] && continue
    if ! grep -qE "^$metric(\{|_bucket| )" "$FOLDER/metrics"; then
        echo "deploy/prometheus/alerts.yml names $metric, which the relay does not expose" >&2
        missing=1
    fi
done
exit "$missing"
