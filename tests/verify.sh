#!/usr/bin/env bash
# The built relay verifies the built relay, as each client in that client's dialect and in auto where it understands it:
# tests/verify.sh BINARY
# No check may fail, and nothing may be left behind.
set -euo pipefail
cd "$(dirname "$0")/.."
RELAY=$(realpath "${1:-target/release/scim-relay}")

# shellcheck source=tests/process/relay.sh
. tests/process/relay.sh

# verify DIALECT CLIENT…
verify() {
    local dialect=$1 client report
    shift
    start_relay "$dialect"
    for client in "$@"; do
        report=$(KEY="$KEY" "$RELAY" verify --as "$client" --token-env KEY "$BASE") || {
            printf '%s\n' "$report"
            return 1
        }
        printf '%-6s %-14s %s\n' "$dialect" "$client" "$(grep ' passed, ' <<<"$report")"
        if grep 'LEFT BEHIND' <<<"$report"; then
            return 1
        fi
    done
    stop_relay
    FOLDER=$(mktemp -d)
}

verify auto okta okta-aiw entra
verify okta okta okta-aiw
verify entra entra entra-flagged
verify rfc rfc
