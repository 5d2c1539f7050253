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
scim "$BASE/Users" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jane@acme.example"}'
scim "$BASE/Users?filter=userName%20eq%20%22jane@acme.example%22"
curl -fsS "$ADMIN/metrics" >"$FOLDER/metrics"
"$PROMTOOL" check metrics <"$FOLDER/metrics"

# The name of a person or a key must never become a label.
if grep -F -e jane -e "$KEY" "$FOLDER/metrics"; then
    echo "personal data or a secret in the metrics" >&2
    exit 1
fi
missing=0
for metric in $(grep -oE 'scim_relay_[a-z_]+' deploy/prometheus/alerts.yml | sort -u); do
    # Not in what was just read: metrics with labels show up only once they have been used.
    if ! grep -q "\"${metric%_bucket}\"" src/metrics.rs; then
        echo "deploy/prometheus/alerts.yml names $metric, which the relay does not expose" >&2
        missing=1
    fi
done
exit "$missing"
