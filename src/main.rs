//! The program `scim-relay`. All it does is in the library; see `cli`.

use std::process::ExitCode;

use clap::Parser;
use scim_relay::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main(Cli::parse())
}
