//! The order in which the operations of a bulk request can be done.

use std::collections::HashMap;

use super::{Method, Operation};

/// Who refers to whom, and an order for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The indices of the operations: as the client put them, save that a POST comes before what refers to it. In a
    /// cycle (RFC 7644 §3.7.1) one of the POSTs cannot.
    ///
    /// POSTs are moved forward, rather than what refers to them back: changes of what exists already keep their order,
    /// and a POST that comes too early for a unique value to be free is refused where it can be seen.
    pub order: Vec<usize>,
    /// The POSTs that each operation refers to; none for a bulkId that no POST has.
    pub needs: Vec<Vec<usize>>,
    /// Whether something refers to the operation that is not after it in the order, so that its id must be known before
    /// it is done.
    pub is_needed_early: Vec<bool>,
    posts: HashMap<String, usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unseen,
    /// What it needs is being placed.
    Begun,
    Placed,
}

impl Plan {
    /// Plans these operations, in time linear in them and their references.
    pub fn of(operations: &[Operation]) -> Self {
        let posts: HashMap<String, usize> = operations
            .iter()
            .enumerate()
            .filter(|(_, operation)| operation.method == Method::Post)
            .filter_map(|(index, operation)| Some((operation.bulk_id.clone()?, index)))
            .collect();
        let needs: Vec<Vec<usize>> = operations
            .iter()
            .map(|operation| operation.references().into_iter().filter_map(|id| posts.get(id).copied()).collect())
            .collect();
        let mut order = Vec::with_capacity(operations.len());
        let mut is_needed_early = vec![false; operations.len()];
        let mut marks = vec![Mark::Unseen; operations.len()];
        // Depth first without recursion: each operation that is begun, with how many of its needs were looked at.
        let mut path: Vec<(usize, usize)> = Vec::new();
        for start in 0..operations.len() {
            if marks[start] == Mark::Unseen {
                marks[start] = Mark::Begun;
                path.push((start, 0));
            }
            while let Some((operation, looked_at)) = path.last_mut() {
                let Some(&need) = needs[*operation].get(*looked_at) else {
                    marks[*operation] = Mark::Placed;
                    order.push(*operation);
                    path.pop();
                    continue;
                };
                *looked_at += 1;
                match marks[need] {
                    Mark::Unseen => {
                        marks[need] = Mark::Begun;
                        path.push((need, 0));
                    }
                    Mark::Begun => is_needed_early[need] = true,
                    Mark::Placed => {}
                }
            }
        }
        Self { order, needs, is_needed_early, posts }
    }

    /// The POST with that bulkId.
    pub fn post(&self, bulk_id: &str) -> Option<usize> {
        self.posts.get(bulk_id).copied()
    }
}
