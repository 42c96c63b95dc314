//! From logits to a token: repetition penalty (Keskar et al. 2019), temperature, top-k (Fan et al. 2018), top-p (Holtzman
//! et al. 2020), min-p (Nguyen et al. 2024), in the order of `transformers`.

use crate::error::{Code, Error, Result};
use crate::rng::{Purpose, Stream};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The options of the sampler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerConfig {
    /// Always the most likely token; the options below then only affect what is shown.
    pub greedy: bool,
    /// Divides the logits; 0 is greedy.
    pub temperature: f32,
    /// Keeps the `top_k` most likely tokens; 0 keeps all.
    pub top_k: usize,
    /// Keeps the most likely tokens until their probabilities sum to this.
    pub top_p: f32,
    /// Keeps tokens that are at least this likely, relative to the most likely one.
    pub min_p: f32,
    /// Divides positive logits of tokens that occurred already and multiplies negative ones; 1 does nothing.
    pub repetition_penalty: f32,
    pub seed: u64,
}

/// A token with its probability before and after the options are applied.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TokenProbability {
    pub id: u32,
    pub raw: f32,
    pub p: f32,
    /// Whether the repetition penalty made it less likely.
    #[serde(default)]
    pub penalised: bool,
    /// The filter that removed it; `None` where it can be sampled.
    #[serde(default)]
    pub filter: Option<Filter>,
}

/// A filter that removes tokens: the first one in this order that removes a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Filter {
    /// Only the most likely token remains.
    Greedy,
    TopK,
    TopP,
    MinP,
}

/// A sampled token, and the other candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    pub token: TokenProbability,
    /// Sorted by the probability after the options are applied, then by the raw probability.
    pub candidates: Vec<TokenProbability>,
}

/// Samples a token after `seen`, or takes `forced` whatever the logits. The random number depends only on the seed and on `position`, so
/// that a place in a text always gets the same number.
///
/// # Errors
/// `Diverged` where a logit is not a number.
pub fn sample(
    logits: &[f32],
    seen: &[u32],
    config: &SamplerConfig,
    position: usize,
    forced: Option<u32>,
    show: usize,
) -> Result<Sampled> {
    let greedy = config.greedy || config.temperature <= 0.0;
    let raw = Distribution::of(logits, 1.0)?;
    let penalised_logits = penalised(logits, seen, config.repetition_penalty);
    let after = Distribution::of(&penalised_logits, if greedy { 1.0 } else { config.temperature })?;
    let mut ranked = Ranked::new(&penalised_logits);
    let kept = match greedy {
        true => Kept::greedy(after.p(ranked.id(0))),
        false => filter(&mut ranked, &after, config, show),
    };
    let candidate = |id: u32, rank: usize| {
        let filter = kept.filter(rank);
        let p = if filter.is_none() { (after.p(id) / kept.mass) as f32 } else { 0.0 };
        TokenProbability {
            id,
            raw: raw.p(id) as f32,
            p,
            penalised: penalised_logits[id as usize] < logits[id as usize],
            filter,
        }
    };
    let rank = match forced {
        Some(id) => ranked.rank(id),
        None if greedy => 0,
        None => draw(&mut ranked, &after, &kept, config.seed, position),
    };
    let token = candidate(forced.unwrap_or_else(|| ranked.id(rank)), rank);
    Ok(Sampled {
        token,
        candidates: (0..show.min(logits.len())).map(|rank| candidate(ranked.id(rank), rank)).collect(),
    })
}

/// The most likely tokens, with their raw probabilities.
///
/// # Errors
/// `Diverged` where a logit is not a number.
pub fn most_likely(logits: &[f32], n: usize) -> Result<Vec<TokenProbability>> {
    let (all, mut ranked) = (Distribution::of(logits, 1.0)?, Ranked::new(logits));
    let candidate = |id: u32, p: f32| TokenProbability { id, raw: p, p, penalised: false, filter: None };
    Ok((0..n.min(logits.len())).map(|rank| ranked.id(rank)).map(|id| candidate(id, all.p(id) as f32)).collect())
}

/// A softmax, stored as the largest logit and the sum.
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
                "The file is damaged or the device computes wrongly: choose another.",
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
    let mut penalised_logits = logits.to_vec();
    if penalty != 1.0 {
        for &id in seen {
            // From the original logit, so that a token that occurred twice is penalised once.
            if let (Some(penalised_logits), Some(&logit)) =
                (penalised_logits.get_mut(id as usize), logits.get(id as usize))
            {
                *penalised_logits = if logit > 0.0 { logit / penalty } else { logit * penalty };
            }
        }
    }
    penalised_logits
}

/// How many of the most likely tokens each filter keeps.
struct Kept {
    greedy: bool,
    top_k: usize,
    top_p: usize,
    /// Kept by all filters, and the sum of their probabilities.
    all: usize,
    mass: f64,
}

impl Kept {
    /// Only the most likely token, with this probability.
    fn greedy(p: f64) -> Self {
        Self { greedy: true, top_k: 1, top_p: 1, all: 1, mass: p }
    }

    /// The filter that removes the token of this rank.
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

/// What the filters keep. Beyond `show` ranks, tokens removed by min-p and by top-p are not distinguished.
fn filter(ranked: &mut Ranked<'_>, all: &Distribution<'_>, config: &SamplerConfig, show: usize) -> Kept {
    let most = if config.top_k == 0 { all.logits.len() } else { config.top_k.min(all.logits.len()) };
    if most == all.logits.len() && config.top_p >= 1.0 && config.min_p <= 0.0 {
        return Kept { greedy: false, top_k: most, top_p: most, all: most, mass: 1.0 };
    }
    // Each filter applies to what the previous one kept, renormalised.
    let top_k: f64 = if most == all.logits.len() { 1.0 } else { (0..most).map(|rank| all.p(ranked.id(rank))).sum() };
    let least = all.p(ranked.id(0)) * f64::from(config.min_p);
    let mut kept = Kept { greedy: false, top_k: most, top_p: 0, all: 0, mass: 0.0 };
    let mut mass = 0.0;
    while kept.top_p < most && mass < f64::from(config.top_p) * top_k {
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

/// Samples the rank of a token among those that are kept.
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
    // Rounding may leave a remainder, which the most likely token takes.
    0
}

/// Tokens by falling probability, sorted only as far as they are asked for.
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
