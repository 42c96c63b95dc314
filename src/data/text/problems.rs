//! Small problems with one right answer, drawn without end. Which of them are held out follows from the problem itself, so that none is
//! ever trained on.

use super::{Baselines, Characters, SequenceBatch, Text};
use crate::data::{Dataset, Position};
use crate::error::Result;
use crate::poll::Poll;
use crate::rng::{Purpose, Stream};

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Digits, once more.
    Copy,
    /// Digits, from the last to the first.
    Reverse,
    /// Digits 0, 1 and 2 in order (minGPT's example).
    Sort,
    /// The sum of two numbers; backwards from its last digit, which needs no digit before it (Lee et al. 2023, arXiv 2307.03381).
    Add { backwards: bool },
    /// The sum of two numbers modulo 97 (Power et al. 2022, arXiv 2201.02177).
    Modular,
    /// Whether brackets are balanced: y or n.
    Brackets,
}

/// One in so many problems is held out.
const HELD_OUT_SHARE: u64 = 10;
/// Held-out problems that are measured on, and those that are shown.
const MEASURED: usize = 500;
const SHOWN: usize = 8;
const MODULUS: usize = 97;

/// Problems of one kind.
#[derive(Debug, Clone)]
pub struct Problems {
    kind: ProblemKind,
    size: usize,
    seed: u64,
    stream: Stream,
}

impl Problems {
    /// `size` is how long a problem is: characters, digits of a number, or brackets, of which there is an even number.
    pub fn new(kind: ProblemKind, size: usize, seed: u64) -> Self {
        Self { kind, size, seed, stream: Stream::new(seed, Purpose::Data) }
    }

    /// A question, which ends in `=`, and its answer.
    fn draw(&self, stream: &mut Stream) -> (String, String) {
        let n = self.size;
        let mut digits = |below: usize| -> String { (0..n).map(|_| stream.below(below).to_string()).collect() };
        let number = |digits: &str| digits.parse::<u64>().unwrap_or_default();
        match self.kind {
            ProblemKind::Copy => {
                let text = digits(10);
                (format!("{text}="), text)
            }
            ProblemKind::Reverse => {
                let text = digits(10);
                (format!("{text}="), text.chars().rev().collect())
            }
            ProblemKind::Sort => {
                let text = digits(3);
                let mut sorted: Vec<char> = text.chars().collect();
                sorted.sort_unstable();
                (format!("{text}="), sorted.into_iter().collect())
            }
            ProblemKind::Add { backwards } => {
                let (a, b) = (digits(10), digits(10));
                let sum = format!("{:0width$}", number(&a) + number(&b), width = n + 1);
                (format!("{a}+{b}="), if backwards { sum.chars().rev().collect() } else { sum })
            }
            ProblemKind::Modular => {
                let (a, b) = (stream.below(MODULUS), stream.below(MODULUS));
                (format!("{a:02}+{b:02}="), format!("{:02}", (a + b) % MODULUS))
            }
            ProblemKind::Brackets => {
                let text = brackets(n.div_ceil(2), stream);
                let answer = if balanced(&text) { "y" } else { "n" };
                (format!("{text}="), answer.into())
            }
        }
    }

    /// The next problem that is held out, or that is not.
    fn next(&self, held_out: bool, stream: &mut Stream) -> (String, String) {
        loop {
            let problem = self.draw(stream);
            if hash(&problem.0).is_multiple_of(HELD_OUT_SHARE) == held_out {
                return problem;
            }
        }
    }

    fn all_characters(&self) -> Characters {
        Characters::of(match self.kind {
            ProblemKind::Copy | ProblemKind::Reverse => "0123456789=",
            ProblemKind::Sort => "012=",
            ProblemKind::Add { .. } | ProblemKind::Modular => "0123456789+=",
            ProblemKind::Brackets => "()yn=",
        })
    }

    fn rows(&self, n: usize, held_out: bool, stream: &mut Stream) -> SequenceBatch {
        let (characters, mut batch) = (self.all_characters(), SequenceBatch::new(self.length()));
        for _ in 0..n {
            let (question, answer) = self.next(held_out, stream);
            batch.push(&characters.encode(&format!("{question}{answer}")), question.len());
        }
        batch
    }

    fn held_out_stream(&self) -> Stream {
        Stream::new(self.seed, Purpose::Split)
    }
}

/// Half of the time balanced brackets, drawn one after the other; else the same with two of them exchanged, which may be balanced, too.
fn brackets(pairs: usize, stream: &mut Stream) -> String {
    let (mut open, mut left, mut text) = (0, pairs, Vec::new());
    while text.len() < 2 * pairs {
        let opens = left > 0 && (open == 0 || stream.below(2) == 0);
        (open, left) = if opens { (open + 1, left - 1) } else { (open - 1, left) };
        text.push(if opens { b'(' } else { b')' });
    }
    if stream.below(2) == 1 {
        let (a, b) = (stream.below(text.len()), stream.below(text.len()));
        text.swap(a, b);
    }
    text.into_iter().map(char::from).collect()
}

fn balanced(text: &str) -> bool {
    let mut depth = 0;
    text.bytes().all(|b| {
        depth += if b == b'(' { 1 } else { -1 };
        depth >= 0
    }) && depth == 0
}

/// FNV-1a, 64 bits, its halves mixed: the same on every machine.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    hash ^ (hash >> 32)
}

impl Dataset for Problems {
    type Batch = SequenceBatch;

    fn batch(&mut self, n: usize) -> Result<Poll<SequenceBatch>> {
        let mut stream = self.stream.clone();
        let batch = self.rows(n, false, &mut stream);
        self.stream = stream;
        Ok(Poll::Ready(batch))
    }

    fn held_out(&mut self) -> Result<Poll<SequenceBatch>> {
        Ok(Poll::Ready(self.rows(MEASURED, true, &mut self.held_out_stream())))
    }

    fn position(&self) -> Position {
        Position { refilled_at: self.stream.position() as u64, ..Position::default() }
    }

    fn seek(&mut self, position: Position) {
        self.stream.seek(u128::from(position.refilled_at));
    }
}

impl Text for Problems {
    fn characters(&mut self) -> Result<Poll<Characters>> {
        Ok(Poll::Ready(self.all_characters()))
    }

    fn length(&self) -> usize {
        let n = self.size;
        match self.kind {
            ProblemKind::Copy | ProblemKind::Reverse | ProblemKind::Sort => 2 * n,
            ProblemKind::Add { .. } => 3 * n + 2,
            ProblemKind::Modular => 7,
            ProblemKind::Brackets => 2 * n.div_ceil(2) + 1,
        }
    }

    fn baselines(&self) -> Option<Baselines> {
        None
    }

    fn prompts(&self) -> Vec<(String, Option<String>)> {
        let mut stream = self.held_out_stream();
        (0..SHOWN).map(|_| self.next(true, &mut stream)).map(|(q, a)| (q, Some(a))).collect()
    }

    fn end(&self) -> Option<char> {
        None
    }
}
