//! What a person does with the GAN on points.

use super::config::Config;
use crate::data::points::{self, Distribution};
use crate::demos::gan::choose_players;
use crate::demos::{Values, no_action, values};
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// Carries out one of its actions: draws points, wipes them, or chooses who learns.
pub fn act(config: &Config, name: &str, args: &Value) -> Result<Values> {
    Ok(match name {
        "clear" => values(json!({ "points": "", "data": config.undrawn(), "before": Distribution::Ring })),
        "draw" => {
            let list = args.get("points").and_then(Value::as_array).cloned().unwrap_or_default();
            let numbers: Vec<f32> = list.iter().filter_map(Value::as_f64).map(|v| v as f32).collect();
            if numbers.len() < 2 || numbers.len() != list.len() || numbers.iter().any(|v| !v.is_finite()) {
                return Err(Error::bad_command("Drawing needs points: [x, y, x, y, ...]."));
            }
            let mut all = points::decode(&config.points);
            all.extend(numbers.chunks_exact(2).map(|p| [p[0], p[1]]));
            let (drawn, before) = (points::encode(&all), config.undrawn());
            values(json!({ "points": drawn, "data": Distribution::Drawn, "before": before }))
        }
        _ => choose_players(name).ok_or_else(|| no_action(name))?,
    })
}
