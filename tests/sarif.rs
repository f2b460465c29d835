//! The SARIF report holds to the official schema, which stands beside this file as OASIS publishes it
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>; the OASIS notices allow to copy it whole).

use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn sarif(folder: &Path, args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
        .args(["check", "--format", "sarif"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What the schema has against `log`.
fn wrong(log: &Value) -> Vec<String> {
    // A pattern for language codes, of which there are none here, has a bracket too many for a strict reader.
    let schema =
        include_str!("sarif-schema-2.1.0.json").replace("{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$", "{2}(-[a-zA-Z]{2})?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(log).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[track_caller]
fn hold(log: &Value) {
    assert_eq!(wrong(log), [] as [String; 0]);
}

#[test]
fn steps_are_code_flows() {
    let log = sarif(Path::new(env!("CARGO_MANIFEST_DIR")), &["fixtures/example-store"]);
    hold(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let cut = results.iter().find(|result| result["ruleId"] == "truncate-before-sync").unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules[cut["ruleIndex"].as_u64().unwrap() as usize]["id"], "truncate-before-sync");
    assert_eq!(cut["level"], "error");
    assert_eq!(cut["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "fixtures/example-store/src/wal.rs");
    let flow = cut["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
    let places: Vec<&str> = flow
        .iter()
        .map(|step| step["location"]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap())
        .collect();
    assert_eq!(places.first(), Some(&"fixtures/example-store/src/lib.rs"));
    assert_eq!(places.last(), Some(&"fixtures/example-store/src/wal.rs"));
    assert!(flow[1]["location"]["message"]["text"].as_str().unwrap().starts_with("written"));
}

#[test]
fn whatever_is_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a b.rs"), "// fsynclint: allow(x)\nfn ä() {}\n").unwrap();
    std::fs::write(folder.path().join("broken.rs"), "fn f( { sync_all").unwrap();
    let log = sarif(folder.path(), &["--output-all"]);
    hold(&log);
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 2);
    assert_eq!(log["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap().len(), 1);
    hold(&sarif(folder.path(), &[folder.path().to_str().unwrap()]));
}

#[test]
fn all_that_lies_here() {
    for part in ["engines", "fixtures"] {
        let log = sarif(Path::new(env!("CARGO_MANIFEST_DIR")), &[part, "--output-all"]);
        assert!(log["runs"][0]["results"].as_array().unwrap().len() > 20);
        hold(&log);
    }
}

#[test]
fn the_schema_refuses() {
    let mut log = sarif(Path::new(env!("CARGO_MANIFEST_DIR")), &["fixtures/example-store"]);
    log["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(wrong(&log).iter().any(|wrong| wrong.contains("fatal")), "{:?}", wrong(&log));
    log["runs"][0]["results"][0]["level"] = "error".into();
    log["runs"][0]["results"][0]["codeflows"] = Value::Null;
    assert!(wrong(&log).iter().any(|wrong| wrong.contains("codeflows")), "{:?}", wrong(&log));
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let folder = tempfile::tempdir().unwrap();
    let code = "pub fn save() -> std::io::Result<()> {\n    std::fs::write(\"t\", b\"x\")?;\n    std::fs::rename(\"t\", \"u\")\n}\n";
    let print = |text: &str| {
        std::fs::write(folder.path().join("a.rs"), text).unwrap();
        sarif(folder.path(), &[])["runs"][0]["results"][0]["partialFingerprints"]["fsynclint/v1"].clone()
    };
    let before = print(code);
    assert!(before.is_string());
    assert_eq!(print(&format!("// Another line.\n\n{code}")), before);
    assert_ne!(print(&code.replace("\"u\"", "\"v\"")), before);
}

#[test]
fn to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.sarif");
    let output = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
        .args(["check", "fixtures/example-store", "--format", "sarif", "--color", "always", "--output"])
        .arg(&path)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(1), 0, 0), "{output:?}");
    hold(&serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap());
}
