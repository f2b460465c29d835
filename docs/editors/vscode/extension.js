// Starts `fsynclint lsp` for Rust files, and for the files that hold its settings.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("fsynclint").get("command");
  const documentSelector = [
    { scheme: "file", language: "rust" },
    { scheme: "untitled", language: "rust" },
    { scheme: "file", pattern: "**/{fsynclint,Cargo}.toml" },
  ];
  client = new LanguageClient("fsynclint", { command, args: ["lsp"] }, { documentSelector });
  return client.start();
};

exports.deactivate = () => client?.stop();
