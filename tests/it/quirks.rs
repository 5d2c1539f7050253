//! The catalogue of client habits, each row a test named by its id and driven over HTTP: the client's own words in, the
//! canonical form and the answer out.

mod entra;
mod okta;
mod others;
