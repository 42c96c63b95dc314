//! From logits to a token: repetition penalty (Keskar et al. 2019), temperature, top-k (Fan et al. 2018), top-p (Holtzman
//! et al. 2020), min-p (Nguyen et al. 2024), in the order of `transformers`.

use crate::error::{Code, Error, Result};
use crate::rng::{Purpose, Stream};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The knobs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Always the likeliest token; the knobs below act on what is shown only.
    pub greedy: bool,
    /// Divides the logits; 0 is greedy.
    pub temperature: f32,
    /// Keeps the `top_k` likeliest; 0 keeps all.
    pub top_k: usize,
    /// Keeps the likeliest until they hold this much probability.
    pub top_p: f32,
    /// Keeps what is at least this likely, relative to the likeliest.
    pub min_p: f32,
    /// Divides positive logits of tokens that were there already, multiplies negative ones; 1 does nothing.
    pub repetition_penalty: f32,
    pub seed: u64,
}

/// A token that was weighed: its probability before the knobs and after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    pub id: u32,
    pub raw: f32,
    pub p: f32,
    /// The repetition penalty made it less likely.
    #[serde(default)]
    pub penalised: bool,
    /// What left it out; `None` where it could be drawn.
    #[serde(default)]
    pub filter: Option<Filter>,
}

/// What leaves a token out: the first in this order that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Filter {
    /// Only the likeliest may be drawn.
    Greedy,
    TopK,
    TopP,
    MinP,
}

/// A token that was chosen, and what else there was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub token: Weighed,
    /// Likeliest after the knobs first, then by their raw probability.
    pub candidates: Vec<Weighed>,
}

/// Chooses a token after `seen`. `forced` is taken whatever the logits say. The random number depends on the seed and on
/// `position` alone: the same place in a text draws the same number.
///
/// # Errors
/// `Diverged` where a logit is not a number.
pub fn choose(
    logits: &[f32],
    seen: &[u32],
    knobs: &Sampling,
    position: usize,
    forced: Option<u32>,
    show: usize,
) -> Result<Choice> {
    let greedy = knobs.greedy || knobs.temperature <= 0.0;
    let raw = Distribution::of(logits, 1.0)?;
    let bent = penalised(logits, seen, knobs.repetition_penalty);
    let after = Distribution::of(&bent, if greedy { 1.0 } else { knobs.temperature })?;
    let mut ranked = Ranked::new(&bent);
    let kept = match greedy {
        true => Kept::greedy(after.p(ranked.id(0))),
        false => filter(&mut ranked, &after, knobs, show),
    };
    let weighed = |id: u32, rank: usize| {
        let filter = kept.filter(rank);
        let p = if filter.is_none() { (after.p(id) / kept.mass) as f32 } else { 0.0 };
        Weighed { id, raw: raw.p(id) as f32, p, penalised: bent[id as usize] < logits[id as usize], filter }
    };
    let rank = match forced {
        Some(id) => ranked.rank(id),
        None if greedy => 0,
        None => draw(&mut ranked, &after, &kept, knobs.seed, position),
    };
    let token = weighed(forced.unwrap_or_else(|| ranked.id(rank)), rank);
    Ok(Choice { token, candidates: (0..show.min(logits.len())).map(|rank| weighed(ranked.id(rank), rank)).collect() })
}

/// The likeliest tokens, with their probabilities as they are.
///
/// # Errors
/// `Diverged` where a logit is not a number.
pub fn likeliest(logits: &[f32], n: usize) -> Result<Vec<Weighed>> {
    let (all, mut ranked) = (Distribution::of(logits, 1.0)?, Ranked::new(logits));
    let weighed = |id: u32, p: f32| Weighed { id, raw: p, p, penalised: false, filter: None };
    Ok((0..n.min(logits.len())).map(|rank| ranked.id(rank)).map(|id| weighed(id, all.p(id) as f32)).collect())
}

/// Softmax, kept as a largest logit and a sum.
struct Distribution<'a> {
    logits: &'a [f32],
    temperature: f32,
    largest: f32,
    sum: f64,
}

impl<'a> Distribution<'a> {
    fn of(logits: &'a [f32], temperature: f32) -> Result<Self> {
        let largest = logits.iter().fold(f32::NEG_INFINITY, |m, v| m.max(*v));
        let mut all = Self { logits, temperature, largest, sum: 0.0 };
        all.sum = logits.iter().map(|&l| f64::from(all.weight(l))).sum();
        if !largest.is_finite() || !all.sum.is_finite() {
            return Err(Error::new(
                Code::Diverged,
                "The model's logits are not finite numbers.",
                "The file is damaged, or the device gives wrong results: choose another.",
            ));
        }
        Ok(all)
    }

    fn weight(&self, logit: f32) -> f32 {
        ((logit - self.largest) / self.temperature).exp()
    }

    fn p(&self, id: u32) -> f64 {
        f64::from(self.weight(self.logits[id as usize])) / self.sum
    }
}

fn penalised(logits: &[f32], seen: &[u32], penalty: f32) -> Vec<f32> {
    let mut bent = logits.to_vec();
    if penalty != 1.0 {
        for &id in seen {
            // From the untouched logit: a token seen twice is punished once.
            if let (Some(bent), Some(&logit)) = (bent.get_mut(id as usize), logits.get(id as usize)) {
                *bent = if logit > 0.0 { logit / penalty } else { logit * penalty };
            }
        }
    }
    bent
}

/// How many of the likeliest each filter keeps.
struct Kept {
    greedy: bool,
    top_k: usize,
    top_p: usize,
    /// By all of them together, and the probability that they hold.
    all: usize,
    mass: f64,
}

impl Kept {
    /// The likeliest alone, of this probability.
    fn greedy(p: f64) -> Self {
        Self { greedy: true, top_k: 1, top_p: 1, all: 1, mass: p }
    }

    /// What leaves out the token of this rank.
    fn filter(&self, rank: usize) -> Option<Filter> {
        match rank {
            rank if rank < self.all => None,
            _ if self.greedy => Some(Filter::Greedy),
            rank if rank >= self.top_k => Some(Filter::TopK),
            rank if rank >= self.top_p => Some(Filter::TopP),
            _ => Some(Filter::MinP),
        }
    }
}

/// What the filters keep. Beyond `show` ranks it is not told what min-p and what top-p left out.
fn filter(ranked: &mut Ranked<'_>, all: &Distribution<'_>, knobs: &Sampling, show: usize) -> Kept {
    let most = if knobs.top_k == 0 { all.logits.len() } else { knobs.top_k.min(all.logits.len()) };
    if most == all.logits.len() && knobs.top_p >= 1.0 && knobs.min_p <= 0.0 {
        return Kept { greedy: false, top_k: most, top_p: most, all: most, mass: 1.0 };
    }
    // Each filter works on what the one before has left, made to sum to one again.
    let top_k: f64 = if most == all.logits.len() { 1.0 } else { (0..most).map(|rank| all.p(ranked.id(rank))).sum() };
    let least = all.p(ranked.id(0)) * f64::from(knobs.min_p);
    let mut kept = Kept { greedy: false, top_k: most, top_p: 0, all: 0, mass: 0.0 };
    let mut mass = 0.0;
    while kept.top_p < most && mass < f64::from(knobs.top_p) * top_k {
        let p = all.p(ranked.id(kept.top_p));
        if kept.top_p > 0 && p < least {
            if kept.top_p >= show {
                kept.top_p = most;
                break;
            }
        } else {
            (kept.all, kept.mass) = (kept.all + 1, kept.mass + p);
        }
        mass += p;
        kept.top_p += 1;
    }
    kept
}

/// The rank of the token that chance picks among the `kept` likeliest.
fn draw(ranked: &mut Ranked<'_>, all: &Distribution<'_>, kept: &Kept, seed: u64, position: usize) -> usize {
    let mut stream = Stream::new(seed, Purpose::Tokens);
    stream.seek(2 * position as u128);
    let mut left = stream.unit() * kept.mass;
    for rank in 0..kept.all {
        left -= all.p(ranked.id(rank));
        if left < 0.0 {
            return rank;
        }
    }
    // Rounding may leave a crumb: the likeliest token takes it.
    0
}

/// Tokens from the likeliest on, sorted as far as somebody looks.
struct Ranked<'a> {
    logits: &'a [f32],
    order: Vec<u32>,
    sorted: usize,
}

/// The larger logit first; of equal ones the smaller id.
fn falling(logits: &[f32], a: &u32, b: &u32) -> Ordering {
    logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b))
}

impl<'a> Ranked<'a> {
    fn new(logits: &'a [f32]) -> Self {
        Self { logits, order: (0..logits.len() as u32).collect(), sorted: 0 }
    }

    fn id(&mut self, rank: usize) -> u32 {
        while rank >= self.sorted {
            let logits = self.logits;
            let falling = |a: &u32, b: &u32| falling(logits, a, b);
            let rest = &mut self.order[self.sorted..];
            let more = (4 * self.sorted).max(64).min(rest.len());
            if more < rest.len() {
                rest.select_nth_unstable_by(more, falling);
            }
            rest[..more].sort_unstable_by(falling);
            self.sorted += more;
        }
        self.order[rank]
    }

    /// The rank of a token, without sorting.
    fn rank(&self, id: u32) -> usize {
        (0..self.logits.len() as u32).filter(|other| falling(self.logits, other, &id).is_lt()).count()
    }
}
