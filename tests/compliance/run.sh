#!/usr/bin/env bash
# Two public SCIM checkers against the built relay: tests/compliance/run.sh BINARY
# What they complain of and we do on purpose stands in allowed.txt, with its reason.
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
start_relay rfc
"$ENVIRONMENT/bin/python" tests/compliance/check.py "$BASE" "$KEY" tests/compliance/allowed.txt
