//! The command line: what is asked (`arguments`), how it reaches a running relay or the store (`execute`), and what a
//! person sees of the answer (`show`). `verify` asks other endpoints.

#![expect(clippy::print_stdout, reason = "standard output is where a command's answer belongs")]
#![expect(clippy::print_stderr, reason = "standard error is where a command's complaint belongs")]

mod arguments;
mod brake;
mod connector;
mod execute;
mod leavers;
mod logging;
mod show;
mod store;
#[cfg(test)]
mod tests;
mod verify;

use std::{path::Path, process::ExitCode};

pub use self::arguments::Cli;
use self::{
    arguments::{Action, CheckArguments, ConfigArgument},
    execute::Failure,
};
use crate::{
    app,
    config::{self, Config, Environment, Log, LogFormat, Problem},
    demo,
    operator::Command,
    store::sqlite::not_durable,
};

/// How the program ends; documented in `--help`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Exit {
    /// Done.
    Done = 0,
    /// The command failed, or a check did.
    Failed = 1,
    // 2, a command line that is not understood, is clap's.
    /// The configuration has problems.
    Configuration = 3,
    /// The relay, or the endpoint to verify, does not answer, or another process has the store.
    Unreachable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Does what the command line asks.
pub fn main(cli: Cli) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(cli)).into(),
        Err(error) => {
            eprintln!("scim-relay: cannot start threads: {error}");
            Exit::Failed.into()
        }
    }
}

async fn run(cli: Cli) -> Exit {
    match cli.action {
        Action::Serve(ConfigArgument { config }) => serve(&config).await,
        Action::Check(arguments) => check(&arguments),
        Action::Demo { once, dir } => {
            logging::start(&Log { level: "warn".to_owned(), format: LogFormat::Text });
            ended(demo::run(demo::Options { once, dir }).await)
        }
        Action::Verify(arguments) => verify::verify(arguments).await,
        Action::Keys(keys) => operate(keys.command(), keys.output()).await,
        Action::Reload(output) => operate(Command::Reload, &output).await,
        Action::Status(output) => operate(Command::Status, &output).await,
        Action::Connector(connector) => operate(connector.command(), connector.output()).await,
        Action::Queue(queue) => operate(queue.command(), queue.output()).await,
        Action::Leavers(leavers) => operate(leavers.command(), leavers.output()).await,
        Action::Brake(brake) => operate(brake.command(), brake.output()).await,
        Action::Unknown(unknown) => operate(unknown.command(), unknown.output()).await,
        Action::Backup(backup) => operate(backup.command(), &backup.output).await,
        Action::Restore(restore) => self::restore(&restore),
        Action::Store(store::Store::Check(output)) => operate(Command::StoreCheck, &output).await,
        Action::Audit(store::Audit::Verify(output)) => operate(Command::AuditVerify, &output).await,
    }
}

async fn serve(file: &Path) -> Exit {
    match load(file) {
        Ok(config) => {
            logging::start(&config.log);
            ended(app::run(config).await)
        }
        Err(exit) => exit,
    }
}

fn check(arguments: &CheckArguments) -> Exit {
    let result = config::load(&arguments.config.config, &Environment::process());
    let flaw = result.as_ref().ok().and_then(|config| not_durable(&config.data_dir));
    let warnings: Vec<String> =
        flaw.map(|flaw| format!("data-dir: it may not last: it is on {flaw}")).into_iter().collect();
    if arguments.json {
        let problems = result.as_ref().err().map(Vec::as_slice).unwrap_or_default();
        show::json(&serde_json::json!({ "problems": problems, "warnings": warnings }));
    } else {
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    }
    match result {
        Ok(config) => {
            if !arguments.json {
                let (tenants, connectors) = (config.tenants.len(), config.connectors.len());
                println!("{}: no problems; tenants: {tenants}, connectors: {connectors}", config.file.display());
            }
            Exit::Done
        }
        Err(problems) => {
            if !arguments.json {
                complain(&problems);
            }
            Exit::Configuration
        }
    }
}

/// Executes an operator's command and shows the answer.
async fn operate(command: Command, output: &arguments::Output) -> Exit {
    let config = match load(&output.config.config) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    match execute::execute(&config, &command).await {
        Ok(answer) if output.json => show::json(&answer),
        Ok(answer) => show::answer(&command, answer),
        Err(failure) => return failed(&failure),
    }
    Exit::Done
}

fn restore(arguments: &store::Restore) -> Exit {
    let config = match load(&arguments.config.config) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    match store::restore(&config, &arguments.file) {
        Ok(restored) => {
            println!("{}", store::restored(&restored));
            Exit::Done
        }
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> Exit {
    eprintln!("scim-relay: {failure}");
    match failure {
        Failure::Refused(_) => Exit::Failed,
        Failure::Unreachable(_) => Exit::Unreachable,
    }
}

fn load(file: &Path) -> Result<Config, Exit> {
    config::load(file, &Environment::process()).map_err(|problems| {
        complain(&problems);
        Exit::Configuration
    })
}

fn complain(problems: &[Problem]) {
    for problem in problems {
        eprintln!("{problem}");
    }
    eprintln!(
        "scim-relay: {} in the configuration",
        match problems.len() {
            1 => "1 problem".to_owned(),
            count => format!("{count} problems"),
        }
    );
}

fn ended(result: anyhow::Result<()>) -> Exit {
    match result {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("scim-relay: {error:#}");
            let is_locked =
                error.chain().any(|cause| matches!(cause.downcast_ref(), Some(crate::store::Error::Locked { .. })));
            if is_locked { Exit::Unreachable } else { Exit::Failed }
        }
    }
}
