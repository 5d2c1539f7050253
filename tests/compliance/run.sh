#!/usr/bin/env bash
# Two public SCIM checkers against the built relay: tests/compliance/run.sh BINARY
# What they complain of and we do on purpose stands in allowed-DIALECT.txt, with its reason. The dialects that are not here
# have the policies of auto, but for strict-interop, which refuses most of what the checkers send.
set -euo pipefail
cd "$(dirname "$0")/../.."
RELAY=$(realpath "${1:-target/release/scim-relay}")
ENVIRONMENT=${VENV:-target/compliance-venv}
REQUIREMENTS=tests/compliance/requirements.txt

if ! cmp -s "$REQUIREMENTS" "$ENVIRONMENT/installed"; then
    python3 -m venv --clear "$ENVIRONMENT"
    "$ENVIRONMENT/bin/pip" install --quiet --disable-pip-version-check -r "$REQUIREMENTS"
    cp "$REQUIREMENTS" "$ENVIRONMENT/installed"
fi

# shellcheck source=tests/process/relay.sh
. tests/process/relay.sh
for dialect in rfc auto okta entra; do
    echo "== dialect $dialect"
    start_relay "$dialect"
    "$ENVIRONMENT/bin/python" tests/compliance/check.py "$BASE" "$KEY" "tests/compliance/allowed-$dialect.txt"
    stop_relay
    FOLDER=$(mktemp -d)
done
