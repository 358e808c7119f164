//! The `lookout` program: everything is in the library.

fn main() -> std::process::ExitCode {
    lookout::commands::main()
}
