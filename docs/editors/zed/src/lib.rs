//! fsynclint in Zed: starts `fsynclint lsp`, and hands it the settings below `lsp.fsynclint`.

use zed_extension_api::settings::LspSettings;
use zed_extension_api::{self as zed, serde_json::Value, Command, LanguageServerId, Worktree};

struct Fsynclint;

impl zed::Extension for Fsynclint {
    fn new() -> Fsynclint {
        Fsynclint
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> zed::Result<Command> {
        let set = LspSettings::for_worktree("fsynclint", worktree)?.binary.and_then(|binary| binary.path);
        let command = set.or_else(|| worktree.which("fsynclint"));
        let command = command.ok_or("`fsynclint` is not in the PATH: `cargo install --path .` in its repository")?;
        Ok(Command { command, args: vec!["lsp".into()], env: worktree.shell_env() })
    }

    fn language_server_initialization_options(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> zed::Result<Option<Value>> {
        Ok(LspSettings::for_worktree("fsynclint", worktree)?.initialization_options)
    }

    fn language_server_workspace_configuration(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> zed::Result<Option<Value>> {
        Ok(LspSettings::for_worktree("fsynclint", worktree)?.settings)
    }
}

zed::register_extension!(Fsynclint);
