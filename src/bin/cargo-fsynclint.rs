//! `cargo fsynclint`: the same program, as cargo calls it.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    fsynclint::cli::run_for_cargo(std::env::args_os().collect())
}
