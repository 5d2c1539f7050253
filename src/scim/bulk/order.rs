//! The order in which the operations of a bulk request can be done.

use std::collections::HashMap;

use super::{Method, Operation};

/// Who refers to whom, and an order for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// As the client put them, save that a POST comes before what refers to it.
    ///
    /// POSTs are moved forward, rather than what refers to them back: changes of what exists already keep their order,
    /// and a POST that comes too early for a unique value to be free is refused where it can be seen.
    pub steps: Vec<Step>,
    /// The POSTs that each operation refers to; none for a bulkId that no POST has.
    pub needs: Vec<Vec<usize>>,
    posts: HashMap<String, usize>,
}

/// What is done at once, as indices of operations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// One operation.
    One(usize),
    /// POSTs that refer to each other, or one that refers to itself (RFC 7644 §3.7.1), in the client's order.
    Circle(Vec<usize>),
}

impl Plan {
    /// Plans these operations, in time linear in them and their references (but for sorting a circle).
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
        let mut search = Search {
            needs: &needs,
            marks: vec![Mark::Unseen; needs.len()],
            open: Vec::new(),
            path: Vec::new(),
            steps: Vec::new(),
        };
        (0..needs.len()).for_each(|start| search.place(start));
        Self { steps: search.steps, needs, posts }
    }

    /// The POST with that bulkId.
    pub fn post(&self, bulk_id: &str) -> Option<usize> {
        self.posts.get(bulk_id).copied()
    }
}

/// Tarjan's search for strongly connected components: depth first, here without recursion.
struct Search<'a> {
    needs: &'a [Vec<usize>],
    marks: Vec<Mark>,
    /// Operations that are seen and not placed.
    open: Vec<usize>,
    /// From the start to where the search is.
    path: Vec<Visit>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unseen,
    /// Its place in `open`.
    Open(usize),
    Placed,
}

struct Visit {
    operation: usize,
    /// How many of its needs were looked at.
    looked_at: usize,
    /// The first place in `open` that is known to be reached from it.
    reaches: usize,
}

impl Search<'_> {
    /// Places an operation, after what it needs.
    fn place(&mut self, start: usize) {
        if self.marks[start] == Mark::Unseen {
            self.visit(start);
        }
        while let Some(visit) = self.path.last_mut() {
            let Some(&need) = self.needs[visit.operation].get(visit.looked_at) else {
                self.leave();
                continue;
            };
            visit.looked_at += 1;
            match self.marks[need] {
                Mark::Unseen => self.visit(need),
                Mark::Open(place) => visit.reaches = visit.reaches.min(place),
                Mark::Placed => {}
            }
        }
    }

    fn visit(&mut self, operation: usize) {
        let place = self.open.len();
        self.marks[operation] = Mark::Open(place);
        self.open.push(operation);
        self.path.push(Visit { operation, looked_at: 0, reaches: place });
    }

    /// Ends the visit of an operation. What is open from it on is a circle, unless it reaches something before it.
    fn leave(&mut self) {
        let Some(Visit { operation, reaches, .. }) = self.path.pop() else { return };
        if self.marks[operation] != Mark::Open(reaches) {
            if let Some(before) = self.path.last_mut() {
                before.reaches = before.reaches.min(reaches);
            }
            return;
        }
        let mut together = self.open.split_off(reaches);
        together.iter().for_each(|&placed| self.marks[placed] = Mark::Placed);
        let is_circle = together.len() > 1 || self.needs[operation].contains(&operation);
        together.sort_unstable();
        self.steps.push(if is_circle { Step::Circle(together) } else { Step::One(operation) });
    }
}
