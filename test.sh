#!/usr/bin/env bash
# Every test of the repository, in stages from the quick to the slow: ./test.sh [STAGE…]
# Ends with a list of what ran; fails when anything failed. A stage whose tool is missing is skipped and said so;
# with STRICT=1, as .ci/run has it, that is a failure too.
set -uo pipefail
cd "$(dirname "$0")"
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

STAGES="format lint doc tidy supply test simulation release crash durability verify compliance metrics quickstart bench fuzz"
RELAY=target/release/scim-relay
PROMTOOL=$(command -v promtool || echo target/tools/usr/bin/promtool)
# What a test adds to the binary; a release has none of it.
FAULTS=crash-points,test-connector
SKIP=75

format() {
    cargo fmt --all --check
}

lint() {
    cargo clippy --locked --workspace --all-targets -- -D warnings &&
        cargo clippy --locked --all-targets --features "$FAULTS" -- -D warnings
}

doc() {
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
}

# Facts about the repository: rows of the architecture, names, lengths, licences and origins of dependencies.
tidy() {
    cargo test --locked --test tidy
}

supply() {
    if ! command -v cargo-deny >/dev/null; then
        echo "cargo-deny is not installed (cargo install --locked cargo-deny)"
        return "$SKIP"
    fi
    cargo deny --all-features check bans licenses sources || return
    # The advisories are a git repository, which not every network reaches.
    if cargo deny fetch db; then
        cargo deny check --disable-fetch advisories
    else
        echo "THE DATABASE OF ADVISORIES CANNOT BE REACHED: ADVISORIES ARE NOT CHECKED."
    fi
}

test() {
    cargo test --locked --workspace
}

# Thousands of seeds; SEEDS, SEED and CHANGES are handed on. Optimised: that is worth several times as many of them.
simulation() {
    SEEDS="${SEEDS:-3000}" CHANGES="${CHANGES:-100000}" \
        cargo test --locked --release --test simulation -- --nocapture --test-threads=1
}

release() {
    cargo build --locked --release && ls -l "$RELAY" || return
    # Nothing of what tests add may be in it.
    if grep -q -e SCIM_RELAY_CRASH_POINT -e test-http "$RELAY"; then
        echo "$RELAY has points at which it crashes, or the connector for tests"
        return 1
    fi
}

# Kills a build with marked points, at them and at random moments; ROUNDS and SEED are handed on. Not the release build,
# which keeps its place.
crash() {
    ROUNDS="${ROUNDS:-150}" cargo test --locked --features "$FAULTS" --test crash -- --nocapture --test-threads=1
}

# Traces system calls of the release build and makes them fail; mounts small file systems.
durability() {
    if ! command -v strace >/dev/null; then
        echo "strace is not installed (apt-get install strace)"
        return "$SKIP"
    fi
    cargo test --locked --release --test durability -- --nocapture
}

need_release() {
    [ -x "$RELAY" ] || release
}

# Every client's requests at the release build; see docs/verify.md.
verify() {
    need_release && tests/verify.sh "$RELAY"
}

compliance() {
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        echo "python3 with venv is not installed (apt-get install python3-venv)"
        return "$SKIP"
    fi
    need_release && tests/compliance/run.sh "$RELAY"
}

# Metrics and alert rules as Prometheus reads them.
metrics() {
    if [ ! -x "$PROMTOOL" ]; then
        echo "promtool is not installed (apt-get install prometheus)"
        return "$SKIP"
    fi
    "$PROMTOOL" check rules deploy/prometheus/alerts.yml &&
        "$PROMTOOL" test rules deploy/prometheus/alerts.test.yml &&
        need_release && tests/metrics.sh "$RELAY" "$PROMTOOL"
}

# What README promises a newcomer.
quickstart() {
    need_release || return
    local folder binary
    folder=$(mktemp -d) binary=$(realpath "$RELAY")
    (cd "$folder" && timeout 60 "$binary" demo --once)
    local result=$?
    rm -rf "$folder"
    return "$result"
}

# That the load driver runs; it asserts nothing about speed.
bench() {
    cargo bench --locked --bench load -- --quick &&
        cargo bench --locked --bench load -- --quick --delivery
}

# A short run of each target. The driver asks for unstable options of the compiler, which a stable one takes when told so.
fuzz() {
    if ! command -v cargo-fuzz >/dev/null; then
        echo "cargo-fuzz is not installed (cargo install --locked cargo-fuzz)"
        return "$SKIP"
    fi
    export RUSTC_BOOTSTRAP=1
    local target
    for target in $(cargo fuzz list); do
        mkdir -p "fuzz/corpus/$target"
        # What is found goes to the first folder, which is not kept; the second has the seeds of the repository.
        cargo fuzz run -s none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
            -max_total_time="${FUZZ_SECONDS:-20}" -rss_limit_mb=2048 -print_final_stats=1 ||
            return
    done
}

summary=""
failed=0
for stage in ${*:-$STAGES}; do
    case " $STAGES " in
        *" $stage "*) ;;
        *)
            echo "unknown stage $stage; stages: $STAGES" >&2
            exit 2
            ;;
    esac
    printf '\n=== %s\n' "$stage"
    started=$SECONDS
    # In a shell of its own, with errexit in force, which a condition would switch off.
    (set -e; "$stage")
    result=$?
    case $result in
        0) outcome="passed" ;;
        "$SKIP")
            outcome="SKIPPED"
            [ "${STRICT:-0}" = 1 ] && failed=1
            ;;
        *)
            outcome="FAILED ($result)"
            failed=1
            ;;
    esac
    summary+=$(printf '%-12s %-12s %4d s' "$stage" "$outcome" $((SECONDS - started)))$'\n'
done
printf '\n=== summary\n%s' "$summary"
exit "$failed"
