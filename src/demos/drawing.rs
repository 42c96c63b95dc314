//! Points that a person draws on the plane: they become the data.

use super::settings::PointSettings;
use super::{Action, Note, Values, values};
use crate::data::points::{self, Distribution};
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// To draw, and to clear what was drawn.
pub fn actions() -> Vec<Action> {
    let draw = Action { name: "draw".into(), title: "Draw points".into(), draws: true, panel: None };
    [vec![draw], Action::buttons(&[("clear", "Clear points")])].concat()
}

/// What one of [`actions`] changes; `None` for another action.
///
/// # Errors
/// `BadCommand` for points that are none, inside.
pub fn draw(action: &str, args: &Value, settings: &PointSettings) -> Option<Result<Values>> {
    match action {
        "draw" => Some(drawn(args).map(|new| {
            let all = points::encode(&[points::decode(&settings.points), new].concat());
            values(json!({ "points": all, "data": Distribution::Drawn, "before": settings.undrawn() }))
        })),
        "clear" => {
            let cleared = json!({ "points": "", "data": settings.undrawn(), "before": Distribution::Ring });
            Some(Ok(values(cleared)))
        }
        _ => None,
    }
}

/// Where points are to be learnt that nobody has drawn, the data before take their place.
pub fn settle(values: &mut Values) -> Option<Note> {
    let settings: PointSettings = super::config(values).ok()?;
    if settings.data != Distribution::Drawn || !points::decode(&settings.points).is_empty() {
        return None;
    }
    values.insert("data".into(), json!(settings.undrawn()));
    let text = "There are no points of yours yet: draw some on the plane.".into();
    Some(Note { code: "no-points", text, args: Vec::new() })
}

/// Points as the page sends them.
fn drawn(args: &Value) -> Result<Vec<[f32; 2]>> {
    let list = args.get("points").and_then(Value::as_array).cloned().unwrap_or_default();
    let numbers: Vec<f32> = list.iter().filter_map(Value::as_f64).map(|v| v as f32).collect();
    if numbers.len() < 2 || numbers.len() != list.len() || numbers.iter().any(|v| !v.is_finite()) {
        return Err(Error::bad_command("Drawing needs points: [x, y, x, y, ...]."));
    }
    Ok(numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect())
}
