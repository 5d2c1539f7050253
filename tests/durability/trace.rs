//! What a trace of system calls proves.
//!
//! A line stands where the tracer let the call begin, or saw it end, in the one order in which it did: a call whose end
//! is written before another's begin has ended before that began.

use std::collections::HashMap;

/// The file whose sync makes a commit durable.
const LOG: &str = "/relay.db-wal";

/// What a trace shows.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Writes that were answered 2xx.
    pub(crate) acknowledged: usize,
    /// Those that no sync covers.
    pub(crate) uncovered: Vec<String>,
    /// Syncs that failed.
    pub(crate) failed_syncs: usize,
    /// Syncs of a file through a handle whose last sync had failed.
    pub(crate) retried_syncs: Vec<String>,
    /// Writes to the store that failed.
    pub(crate) failed_writes: usize,
}

/// A system call, begun or ended, in the words of the tracer.
struct Call<'a> {
    name: &'a str,
    /// From the first argument on; of an end of a call that was interrupted in the trace, what was left to say.
    begin: &'a str,
    /// What it returned, once it has.
    end: Option<&'a str>,
}

/// Reads a trace.
pub(crate) fn read(trace: &str) -> Findings {
    let mut findings = Findings::default();
    let mut begun: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut requests: HashMap<&str, (bool, usize)> = HashMap::new();
    let mut failed_handles: Vec<&str> = Vec::new();
    // When the log was last written, and, of each sync that ended well, when it began.
    let mut log_writes: Vec<usize> = Vec::new();
    let mut syncs: Vec<usize> = Vec::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((thread, text)) = line.split_once(char::is_whitespace) else { continue };
        let Some(mut call) = parse(text.trim_start()) else { continue };
        let mut began = at;
        match (call.begin.is_empty(), call.end) {
            (false, None) => drop(begun.insert(thread, (at, call.begin))),
            (true, Some(_)) => {
                let Some((line, begin)) = begun.remove(thread) else { continue };
                (began, call.begin) = (line, begin);
            }
            _ => {}
        }
        let begins = call.end.is_none() || began == at;
        let returned = call.end.map(|end| end.split_whitespace().next().and_then(|word| word.parse::<i64>().ok()));
        // `9</data/relay.db-wal>`
        let handle = call.begin.split_once('>').map_or("", |(handle, _)| handle);
        match call.name {
            "recvfrom" | "read" if matches!(returned, Some(Some(1..))) && handle.contains("<socket:") => {
                // The text that was read is told at the end of the call.
                let text = format!("{} {line}", call.begin);
                let is_write = ["\"POST ", "\"PUT ", "\"PATCH ", "\"DELETE "].iter().any(|verb| text.contains(verb));
                let request = requests.entry(handle).or_default();
                *request = (request.0 || is_write, at);
            }
            "sendto" | "write" | "writev" | "sendmsg" if begins && call.begin.contains("\"HTTP/1.1 ") => {
                let (is_write, came) = requests.remove(handle).unwrap_or_default();
                if is_write && call.begin.contains("\"HTTP/1.1 2") {
                    findings.acknowledged += 1;
                    let is_covered = syncs
                        .iter()
                        .rev()
                        .any(|sync| log_writes.iter().rev().any(|write| came < *write && *write < *sync));
                    if !is_covered {
                        findings.uncovered.push(line.to_owned());
                    }
                }
            }
            "pwrite64" => match returned {
                Some(Some(0..)) if handle.ends_with(LOG) => log_writes.push(at),
                Some(Some(0..)) | None => {}
                Some(_) => findings.failed_writes += 1,
            },
            "fsync" | "fdatasync" => {
                if begins && failed_handles.contains(&handle) {
                    findings.retried_syncs.push(line.to_owned());
                }
                match (returned, call.end) {
                    // One that the tracer made up has not happened.
                    (Some(Some(0)), Some(end)) if !end.contains("INJECTED") => {
                        if handle.ends_with(LOG) {
                            syncs.push(began);
                        }
                    }
                    (Some(Some(0)) | None, _) => {}
                    (Some(_), _) => {
                        findings.failed_syncs += 1;
                        failed_handles.push(handle);
                    }
                }
            }
            "close" if begins => failed_handles.retain(|failed| *failed != handle),
            _ => {}
        }
    }
    findings
}

/// `name(begin) = end`, `name(begin <unfinished ...>` or `<... name resumed>…) = end`.
fn parse(text: &str) -> Option<Call<'_>> {
    // The tracer aligns the ends.
    let end = text.rsplit_once(" = ").filter(|(call, _)| call.trim_end().ends_with(')')).map(|(_, end)| end);
    if let Some(rest) = text.strip_prefix("<... ") {
        let (name, _) = rest.split_once(" resumed>")?;
        return Some(Call { name, begin: "", end });
    }
    let (name, begin) = text.split_once('(')?;
    Some(Call { name, begin, end })
}

#[test]
fn a_trace_is_read_as_it_is_written() {
    let come = r#"1 recvfrom(7<socket:[5]>, "POST /scim", 64, 0, NULL, NULL) = 64"#;
    let page = r#"2 pwrite64(9</d/relay.db-wal>, "..", 4096, 32) = 4096"#;
    let sync = "2 fdatasync(9</d/relay.db-wal>) = 0";
    let left = r#"1 writev(7<socket:[5]>, [{iov_base="HTTP/1.1 201 Created"}], 2) = 90"#;
    let refused = r#"1 sendto(7<socket:[5]>, "HTTP/1.1 503 Service", 64, 0, NULL, 0) = 64"#;
    let begun = "2 fdatasync(9</d/relay.db-wal> <unfinished ...>";
    let ended = "2 <... fdatasync resumed>)           = 0";
    let failed = "2 fdatasync(9</d/relay.db-wal>) = -1 EIO (Input/output error) (INJECTED)";
    let closed = "2 close(9</d/relay.db-wal>) = 0";
    let made_up = "2 fdatasync(9</d/relay.db-wal>) = 0 (INJECTED)";
    let other = "2 fdatasync(8</d/relay.db>) = 0";
    // Acknowledged, uncovered, failed and retried syncs.
    for (lines, expected) in [
        (&[come, page, sync, left][..], (1, 0, 0, 0)),
        (&[come, page, begun, ended, left], (1, 0, 0, 0)),
        (&[come, page, begun, left, ended], (1, 1, 0, 0)),
        (&[page, begun, come, ended, left], (1, 1, 0, 0)),
        (&[page, sync, come, left], (1, 1, 0, 0)),
        (&[come, sync, page, left], (1, 1, 0, 0)),
        (&[come, page, other, left], (1, 1, 0, 0)),
        (&[come, page, made_up, left], (1, 1, 0, 0)),
        (&[come, page, failed, refused], (0, 0, 1, 0)),
        (&[come, page, failed, sync, left], (1, 0, 1, 1)),
        (&[come, page, failed, closed, sync, left], (1, 0, 1, 0)),
    ] {
        let found = read(&lines.join("\n"));
        let found = (found.acknowledged, found.uncovered.len(), found.failed_syncs, found.retried_syncs.len());
        assert_eq!(found, expected, "{lines:#?}");
    }
}
