//! The state in memory and on disk, and which of the two is ahead.

use std::{cmp::Ordering, fs::File};

use scim_connector::{Applied, ConnectorError, Effect, RemoteState, ResourceId};
use serde_json::json;

use crate::{
    document::{Document, Edit, Malformed},
    failure,
    file::{Paths, Seen},
    journal::{self, Journal, Replay},
    settings::{Checked, Mode, OnExternalEdit},
    target::Target,
};

/// The open file. Nobody else writes it as long as this value lives.
#[derive(Debug)]
pub(crate) struct Storage {
    settings: Checked,
    paths: Paths,
    document: Document,
    /// The file as we last read or wrote it; `None` when there was none.
    seen: Option<Seen>,
    journal: Journal,
    /// Whether memory holds what the disk may not: the next write is the whole file.
    is_ahead: bool,
    _lock: File,
}

/// What the relay keeps about an entry: its id, which is the resource's.
pub(crate) fn remote(id: ResourceId) -> RemoteState {
    RemoteState(json!({ "id": id.to_string() }))
}

impl Storage {
    /// Locks and reads the file and its journal. At start the file is the truth, whoever wrote it.
    pub(crate) fn open(settings: Checked) -> Result<Self, ConnectorError> {
        let paths = Paths::resolve(&settings.path)?;
        let lock = paths.lock()?;
        paths.remove_temporary()?;
        let Loaded { document, seen, is_ahead } = load(&paths)?;
        Ok(Self { settings, paths, document, seen, journal: Journal::default(), is_ahead, _lock: lock })
    }

    /// Reads the state without the lock, for a look at it while another process may be writing.
    pub(crate) fn peek(settings: &Checked) -> Result<Document, ConnectorError> {
        Ok(load(&Paths::resolve(&settings.path)?)?.document)
    }

    /// Proves that [`Storage::open`] and a write would work, without writing.
    pub(crate) fn check(settings: &Checked) -> Result<(), ConnectorError> {
        let paths = Paths::resolve(&settings.path)?;
        paths.check_writable()?;
        let _lock = paths.lock()?;
        load(&paths).map(drop)
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// Whether the open file can still be written: its directory is there, and nobody else has changed it.
    pub(crate) fn check_open(&self) -> Result<(), ConnectorError> {
        self.paths.check_writable()?;
        if self.settings.on_external_edit == OnExternalEdit::Fail { self.theirs().map(drop) } else { Ok(()) }
    }

    /// Folds all targets into memory, then writes once. An outcome is good only when the disk has what it says.
    pub(crate) fn apply(
        &mut self,
        targets: Vec<Result<Target, ConnectorError>>,
    ) -> Vec<Result<Applied, ConnectorError>> {
        if let Err(error) = self.meet_external_edit() {
            return targets.iter().map(|target| Err(failure::again(target.as_ref().err().unwrap_or(&error)))).collect();
        }

        let mut edits = Vec::new();
        let outcomes: Vec<_> = targets
            .into_iter()
            .map(|target| {
                let target = target?;
                let outcome = self.document.edit(&target, &self.settings.active_attribute)?;
                if let Some(edit) = outcome.edit {
                    self.document.perform(&edit);
                    edits.push(edit);
                }
                let effect = match outcome.effect {
                    // An attempt before this one may have brought it to memory only.
                    Effect::Unchanged if self.is_ahead && outcome.is_there => Effect::Updated,
                    effect => effect,
                };
                Ok(Applied { effect, remote: outcome.is_there.then(|| remote(target.resource.id)) })
            })
            .collect();
        self.document.forget_members(&edits);

        match self.persist(&edits) {
            Ok(()) => outcomes,
            Err(error) => {
                self.is_ahead = true;
                outcomes.into_iter().map(|outcome| outcome.and_then(|_| Err(failure::again(&error)))).collect()
            }
        }
    }

    fn persist(&mut self, edits: &[Edit]) -> Result<(), ConnectorError> {
        if !self.is_ahead && edits.is_empty() {
            return Ok(());
        }
        let Checked { mode, journal_bytes_max, journal_changes_max, .. } = self.settings;
        if mode == Mode::Journal && !self.is_ahead && !self.journal.is_full(journal_bytes_max, journal_changes_max) {
            return self.journal.append(&self.paths, self.document.generation, edits);
        }
        self.write_file()
    }

    fn write_file(&mut self) -> Result<(), ConnectorError> {
        let before = self.document.generation;
        self.document.generation += 1;
        let text = self.document.render();
        let mut renamed = None;
        let result = self.paths.replace(text.as_bytes(), self.settings.permissions, &mut |seen| renamed = Some(seen));
        match renamed {
            Some(seen) => self.seen = Some(seen),
            None => self.document.generation = before,
        }
        result?;
        self.journal.restart();
        self.is_ahead = false;
        Ok(())
    }

    /// Follows the policy where somebody else has changed the file since we last saw it.
    fn meet_external_edit(&mut self) -> Result<(), ConnectorError> {
        match self.theirs()? {
            Theirs::Nothing => {}
            Theirs::Touch(seen) => self.seen = Some(seen),
            // With a policy that lets us go on, the file comes back with the next write.
            Theirs::Removal => {
                self.seen = None;
                self.is_ahead = true;
            }
            Theirs::Content(bytes, seen) => {
                let theirs = Document::parse(&bytes).map_err(|problem| malformed(&self.paths, &problem))?;
                self.paths.keep_conflict(&bytes, &seen)?;
                if self.settings.on_external_edit == OnExternalEdit::Merge {
                    self.go_on_from(theirs)?;
                } else {
                    self.document.generation = self.document.generation.max(theirs.generation);
                }
                self.seen = Some(seen);
                // Their file may be of an older generation than a journal would name, or that journal may have failed.
                self.is_ahead = true;
            }
        }
        Ok(())
    }

    /// Takes their document for ours. What only the journal has was confirmed, so it is not theirs to undo.
    fn go_on_from(&mut self, theirs: Document) -> Result<(), ConnectorError> {
        let ours = self.document.generation;
        let replay = journal::replay(&self.paths)?.filter(|replay| replay.generation == ours);
        self.document = theirs;
        if let Some(replay) = replay {
            perform(&mut self.document, &replay);
        }
        self.document.generation = self.document.generation.max(ours);
        Ok(())
    }

    /// What somebody else has done to the file since we last saw it. With the policy `fail`, what matters is an error.
    fn theirs(&self) -> Result<Theirs, ConnectorError> {
        let is_untouched = match (self.paths.metadata()?, &self.seen) {
            (None, None) => true,
            (Some(metadata), Some(seen)) => seen.is_untouched(&metadata),
            _ => false,
        };
        if is_untouched {
            return Ok(Theirs::Nothing);
        }
        let theirs = match self.paths.read()? {
            None => Theirs::Removal,
            Some((_, seen)) if self.seen.as_ref().is_some_and(|ours| ours.is_same_content(&seen)) => {
                return Ok(Theirs::Touch(seen));
            }
            Some((bytes, seen)) => Theirs::Content(bytes, seen),
        };
        if self.settings.on_external_edit == OnExternalEdit::Fail {
            return Err(ConnectorError::misconfigured(format!(
                "{} was changed or removed by somebody else; put it back, or restart the connector to go on from it",
                self.paths.data.display()
            )));
        }
        Ok(theirs)
    }
}

/// What somebody else has done to the file.
enum Theirs {
    Nothing,
    /// The same bytes, put there anew.
    Touch(Seen),
    Removal,
    Content(Vec<u8>, Seen),
}

/// What the disk has.
struct Loaded {
    document: Document,
    seen: Option<Seen>,
    is_ahead: bool,
}

fn load(paths: &Paths) -> Result<Loaded, ConnectorError> {
    let (mut document, seen) = match paths.read()? {
        Some((bytes, seen)) => (Document::parse(&bytes).map_err(|problem| malformed(paths, &problem))?, Some(seen)),
        None => (Document::default(), None),
    };
    // In mode `journal` a file comes first, for its readers and for the journal to go on from.
    let mut is_ahead = seen.is_none();
    if let Some(replay) = journal::replay(paths)? {
        match replay.generation.cmp(&document.generation) {
            // The file has all of it: the process ended after it wrote the file.
            Ordering::Less => {}
            Ordering::Equal => {
                perform(&mut document, &replay);
                is_ahead |= !replay.batches.is_empty();
            }
            Ordering::Greater => {
                return Err(ConnectorError::misconfigured(format!(
                    "{} goes on from a newer file than {}; put that file back, or move the journal away and reconcile",
                    paths.journal.display(),
                    paths.data.display()
                )));
            }
        }
    }
    Ok(Loaded { document, seen, is_ahead })
}

/// Makes the journal's edits.
fn perform(document: &mut Document, replay: &Replay) {
    for edits in &replay.batches {
        for edit in edits {
            document.perform(edit);
        }
        document.forget_members(edits);
    }
}

fn malformed(paths: &Paths, problem: &Malformed) -> ConnectorError {
    ConnectorError::misconfigured(format!(
        "{} is no file of this connector and is left alone: {problem}",
        paths.data.display()
    ))
}
