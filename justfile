# Shorthands. test.sh and .ci/run do the work, and need no just.

# All stages, or those named.
test *stages:
    ./test.sh {{stages}}

# What takes seconds.
check:
    ./test.sh format lint doc tidy

# Kills the binary so many times.
crash rounds="100":
    ROUNDS={{rounds}} ./test.sh crash

# The load driver; takes about a quarter of an hour.
bench *arguments:
    cargo bench --bench load -- {{arguments}}

# Runs one fuzz target until it is stopped.
fuzz target:
    RUSTC_BOOTSTRAP=1 cargo fuzz run -s none {{target}}

# Shows what the relay does, with nothing set up.
demo:
    cargo run --release -- demo
