//! How fast a demo is asked to go; the session keeps the pace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Steps a second that the session takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    Slow,
    Medium,
    Fast,
    Full,
}
