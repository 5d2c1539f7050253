"""Runs scim2-tester and scim-sanity against a SCIM endpoint: check.py BASE_URL BEARER_KEY ALLOWED_FILE

Prints what was checked. Fails on a complaint that ALLOWED_FILE does not list, on a listed one that is not raised any
more, and when a checker has checked next to nothing.
"""

import json
import pathlib
import subprocess
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# Far fewer than either checker makes today: below that it proves nothing.
CHECKS_MIN = 20

GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED}


def scim2_tester(url, key):
    """Yields (name, complaint or None) for each check of scim2-tester."""
    http = Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    for result in check_server(SyncSCIMClient(http)):
        name = " ".join(part for part in (result.resource_type, result.title) if part)
        yield name, None if result.status in GOOD else f"{result.status.name}: {result.reason}"


def scim_sanity(url, key):
    """Yields (name, complaint or None) for each check of scim-sanity."""
    command = [sys.executable, "-m", "scim_sanity", "probe", url, "--token", key]
    options = ["--json-output", "--i-accept-side-effects", "--timeout", "30"]
    run = subprocess.run(command + options, capture_output=True, text=True, timeout=600, check=False)
    try:
        report = json.loads(run.stdout)
    except json.JSONDecodeError:
        sys.exit(f"scim-sanity gave no report:\n{run.stdout}\n{run.stderr}")
    for result in report["results"]:
        complaint = None
        if result["status"].lower() in ("fail", "error"):
            complaint = f"{result['status'].upper()}: {result.get('message', '')} {result.get('details', '')}"
        yield f"{result.get('phase', '')}: {result['name']}", complaint


def allowed(path):
    """The listed differences: (checker, start of the complaint)."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    entries = [line.split("|") for line in lines if line.strip() and not line.startswith("#")]
    for entry in entries:
        if len(entry) != 3 or not entry[2].strip():
            sys.exit(f"{path}: not 'checker | complaint | reason': {'|'.join(entry)}")
    return {(checker.strip(), complaint.strip()) for checker, complaint, _ in entries}


def main():
    url, key, allowed_path = sys.argv[1:]
    differences = allowed(allowed_path)
    unused = set(differences)
    unexpected = 0
    for checker, check in (("scim2-tester", scim2_tester), ("scim-sanity", scim_sanity)):
        results = list(check(url, key))
        for name, complaint in results:
            if complaint is None:
                continue
            line = f"{name}: {complaint}"
            matches = {entry for entry in differences if entry[0] == checker and line.startswith(entry[1])}
            unused -= matches
            unexpected += not matches
            print(f"{checker}: {'allowed' if matches else 'COMPLAINT'}: {line}")
        print(f"{checker}: {len(results)} checks")
        if len(results) < CHECKS_MIN:
            sys.exit(f"{checker}: proves nothing: only {len(results)} checks")
    for checker, complaint in sorted(unused):
        print(f"{checker}: listed in {allowed_path}, but not raised any more: {complaint}")
    if unexpected or unused:
        sys.exit(f"compliance: {unexpected} unexpected complaints, {len(unused)} stale entries")


main()
