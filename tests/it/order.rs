//! Order by conflict, on the real store: what waits for what, what folds, and that everything drains.

mod directory;
mod examples;
mod laws;
