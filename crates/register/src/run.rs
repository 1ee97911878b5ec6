//! The outline of the program: from the arguments to the exit code.

use binfmt::BinfmtMisc;

use crate::args::{Action, Args, Invocation, Mode, Step, UsageError};
use crate::context::Context;
use crate::environment::{BadVariable, Environment};
use crate::error::Error;
use crate::machine::Machine;
use crate::output::Output;
use crate::request::{self, Request, Selection, report_unknown};
use crate::{cpu, export, full, help, install, lifetime, register, remove, shell, status};

/// Does what the arguments ask for, and returns the exit code: 0 only if everything that was asked for holds.
pub fn run(
    invocation: Result<Invocation, UsageError>,
    environment: Result<Environment, BadVariable>,
    output: &mut Output<'_>,
) -> u8 {
    let invocation = match invocation {
        Ok(invocation) => invocation,
        Err(error) => {
            output.verbatim_error(error);
            output.hint("--help lists the options");
            return 1;
        }
    };
    let environment = match environment {
        Ok(environment) => environment,
        Err(error) => {
            output.error(error);
            return 1;
        }
    };
    match invocation {
        Invocation::Help(code) => {
            output.text(help::REGISTER);
            return if output.succeeded() { code } else { 1 };
        }
        Invocation::Version => {
            output.text(help::version(&request::folder(None, &environment)));
        }
        Invocation::Shell(command) => shell::become_command(&command).print(output),
        Invocation::Register(args) => {
            if let Err(error) = act(*args, &environment, output) {
                error.print(output);
            }
        }
        Invocation::Binfmt(invocation) => {
            if let Err(error) = install::run(invocation, &environment, output) {
                error.print(output);
            }
        }
    }
    u8::from(!output.succeeded())
}

fn act(args: Args, environment: &Environment, output: &mut Output<'_>) -> Result<(), Error> {
    let request = match Request::new(args, environment) {
        Ok(request) => request,
        Err(unknown) => {
            report_unknown(&unknown, output);
            return Ok(());
        }
    };
    if let Some(name) = request.host_arch.as_deref().filter(|name| Machine::named(name).natives().is_empty())
    {
        output.warning(format_args!("HOST_ARCH is `{name}`, which is no machine that is known here"));
    }
    let context = Context::new(request);
    let request = &context.request;
    cpu::check(request)?;
    full::possible(request)?;
    let dry = request.mode == Mode::DryRun;
    if request.steps.contains(&Step::Json) {
        output.keep_lines_out();
    }
    if !request.steps.is_empty() {
        let misc = if dry { context.mounted() } else { context.look()? };
        for step in &request.steps {
            take(*step, &context, misc.as_ref(), output)?;
        }
    }
    let Some(action) = request.action else { return Ok(()) };
    match (action, request.mode) {
        (_, Mode::DryRun) => plan(action, &context, context.mounted().as_ref(), output),
        (Action::Export(_) | Action::Unexport(_), Mode::Test) => {
            plan(action, &context, context.mounted().as_ref(), output)
        }
        (Action::Register, Mode::Test) => {
            let misc = BinfmtMisc::open_briefly(request.mount.as_deref())?;
            lifetime::judge(&misc, request, output)?;
            plan(action, &context, Some(&misc), output)
        }
        (_, Mode::Test) => {
            let misc = context.look()?;
            if let Some(misc) = &misc {
                misc.check_writable()?;
            }
            plan(action, &context, misc.as_ref(), output)
        }
        (Action::Export(style), Mode::Do) => export::run(&context, context.mounted().as_ref(), style, output),
        (Action::Unexport(style), Mode::Do) => {
            export::remove(&context, style, output);
            Ok(())
        }
        (Action::Check, Mode::Do) => status::check(&context, context.look()?.as_ref(), output),
        (Action::Register, Mode::Do) => register::run(&context, output),
        (Action::Remove, Mode::Do) => match context.look()? {
            Some(misc) => remove::run(&request.selection, &context, &misc, output),
            None => {
                report_not_mounted(output);
                Ok(())
            }
        },
    }
}

fn report_not_mounted(output: &mut Output<'_>) {
    output.note("binfmt_misc is not mounted, so nothing is registered");
}

fn take(
    step: Step,
    context: &Context,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    match (step, misc) {
        (Step::Json, _) => return status::print_json(context, misc, output),
        (_, None) => report_not_mounted(output),
        (Step::List, Some(misc)) => return status::print_table(context, misc, output),
        (Step::Reset, Some(misc)) if context.request.mode == Mode::Do => {
            context.trials.forget();
            return remove::run(&Selection::All, context, misc, output);
        }
        (Step::Reset, Some(misc)) => return remove::plan(&Selection::All, context, misc, output),
    }
    Ok(())
}

/// Tells what would be done.
fn plan(
    action: Action,
    context: &Context,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let request = &context.request;
    match (action, misc) {
        (Action::Register, _) => register::plan(context, misc, output)?,
        (Action::Export(style), _) => {
            output.line(format_args!("Would write to {}", request.exportdir(style).display()));
            register::plan(context, misc, output)?;
        }
        (Action::Unexport(style), _) => {
            for path in export::ours(context, style) {
                output.line(format_args!("Would remove {}", path.display()));
            }
        }
        (Action::Check, _) => output.line("Would run a program of each target"),
        (Action::Remove, Some(misc)) => remove::plan(&request.selection, context, misc, output)?,
        (Action::Remove, None) => report_not_mounted(output),
    }
    Ok(())
}
