//! `fsynclint`.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    fsynclint::cli::run(std::env::args_os().collect())
}
