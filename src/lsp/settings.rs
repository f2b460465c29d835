//! What a user sets in the editor: the same as on the command line, under the same names.

use crate::config::{Config, Platform, Policy};
use crate::finding::{Confidence, Level};
use crate::spelling::did_you_mean;
use serde::Deserialize;
use serde_json::Value;

/// The settings below `fsynclint`; what is not set is left to configuration files and defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    include_tests: Option<bool>,
    platform: Option<Platform>,
    min_level: Option<Level>,
    min_confidence: Option<Confidence>,
    policy: Option<Policy>,
    output_all: Option<bool>,
}

/// What there is to set, and what it can be.
const KEYS: [(&str, &str); 6] = [
    ("includeTests", "true or false"),
    ("platform", "\"unix\", \"windows\" or \"macos\""),
    ("minLevel", "\"info\", \"warning\" or \"error\""),
    ("minConfidence", "\"low\", \"medium\" or \"high\""),
    ("policy", "\"none\", \"atomic\" or \"durable\""),
    ("outputAll", "true or false"),
];

/// Settings that are the client's own business.
const OF_THE_CLIENT: [&str; 2] = ["command", "trace"];

impl Settings {
    /// Reads what a client sent, and says what is wrong with it. Clients send the settings bare, or below `fsynclint`.
    pub fn read(value: &Value) -> (Settings, Vec<String>) {
        let mut settings = Settings::default();
        let mut wrong = Vec::new();
        let value = value.get("fsynclint").unwrap_or(value);
        let Some(given) = value.as_object() else {
            if !value.is_null() {
                wrong.push(format!("the settings of fsynclint are an object, not {value}"));
            }
            return (settings, wrong);
        };
        for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            let known = match key.as_str() {
                "includeTests" => set(&mut settings.include_tests, value),
                "platform" => set(&mut settings.platform, value),
                "minLevel" => set(&mut settings.min_level, value),
                "minConfidence" => set(&mut settings.min_confidence, value),
                "policy" => set(&mut settings.policy, value),
                "outputAll" => set(&mut settings.output_all, value),
                key if OF_THE_CLIENT.contains(&key) => true,
                _ => {
                    let names = KEYS.iter().map(|(name, _)| *name);
                    let all = || format!("there are {}", names.clone().collect::<Vec<_>>().join(", "));
                    let help = did_you_mean(key, names.clone()).unwrap_or_else(all);
                    wrong.push(format!("fsynclint has no setting `{key}`: {help}"));
                    continue;
                }
            };
            if !known {
                let can_be = KEYS.iter().find(|(name, _)| name == key).map_or("", |(_, values)| values);
                wrong.push(format!("the setting `fsynclint.{key}` is {can_be}, not {value}"));
            }
        }
        (settings, wrong)
    }

    /// What is asked of a run. Configuration files add to it.
    pub fn config(&self) -> Config {
        Config {
            include_tests: self.include_tests.unwrap_or_default(),
            platform: self.platform,
            min_level: self.min_level,
            min_confidence: self.min_confidence,
            policy: self.policy,
            output_all: self.output_all.unwrap_or_default(),
            ..Config::default()
        }
    }
}

/// Takes `value` into `place`; `false` if it is of another kind.
fn set<T: for<'a> Deserialize<'a>>(place: &mut Option<T>, value: &Value) -> bool {
    *place = T::deserialize(value).ok();
    place.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_read_bare_or_below_their_name() {
        let bare = json!({"includeTests": true, "minLevel": "info", "platform": null, "command": "x"});
        let (settings, wrong) = Settings::read(&bare);
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(Settings::read(&json!({ "fsynclint": bare })).0, settings);
        let config = settings.config();
        assert_eq!((config.include_tests, config.min_level), (true, Some(Level::Info)));
        assert_eq!((config.min_confidence, config.platform), (None, None));
        assert_eq!(Settings::read(&Value::Null), (Settings::default(), vec![]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (settings, wrong) = Settings::read(&json!({"minLevel": "fatal", "mimLevel": "info", "outputAll": true}));
        assert_eq!(settings.output_all, Some(true));
        assert!(
            wrong
                .iter()
                .any(|text| text.contains("`fsynclint.minLevel` is \"info\", \"warning\" or \"error\", not \"fatal\"")),
            "{wrong:?}"
        );
        assert!(wrong.iter().any(|text| text.contains("no setting `mimLevel`: did you mean `minLevel`?")), "{wrong:?}");
        assert_eq!(Settings::read(&json!([1])).1.len(), 1);
    }
}
