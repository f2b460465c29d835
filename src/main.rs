//! `fsynclint`.

fn main() -> std::process::ExitCode {
    fsynclint::cli::run(std::env::args_os().collect())
}
