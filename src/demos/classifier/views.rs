//! What the page shows of the classifier.

use super::demo::ClassifierDemo;
use crate::data::mnist::{CLASSES, PIXELS, SHAPE, centred};
use crate::demos::training::{Run, Task};
use crate::demos::views::{Figure, HistogramSeries, Mark, Panel, View};
use crate::error::Result;
use crate::train::best;
use burn::tensor::activation::softmax;

/// Digits of the last step that are shown.
const SHOWN: usize = 24;
const COLUMNS: usize = 6;

impl ClassifierDemo {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let drawn = !self.pad.pixels.is_empty();
        let mut tensors = Vec::new();
        if drawn {
            tensors.push(softmax(self.logits(&centred(&self.pad.pixels), &run.device), 1).reshape([CLASSES]));
        }
        if !self.real.labels.is_empty() {
            let logits = self.logits(&self.real.pixels, &run.device);
            tensors.push(logits.reshape([self.real.labels.len() * CLASSES]));
        }
        let mut values = run.read(tensors).await?.into_iter();
        let mut drawing = vec![self.pad.view(SHAPE)];
        drawing.extend(drawn.then(|| values.next()).flatten().map(bars));
        let guesses: Vec<usize> = values.next().unwrap_or_default().chunks(CLASSES).map(best).collect();
        let mut figures = self.latest_figures(run);
        if !guesses.is_empty() {
            let right = guesses.iter().zip(&self.real.labels).filter(|(guess, label)| **guess == usize::from(**label));
            let share = right.count() as f32 / guesses.len() as f32;
            figures.push(Figure::new("accuracy_batch", "Accuracy on the digits of the last step", share, 3, Some(1.0)));
        }
        let loss = run.curves.history.last("loss");
        figures.extend(loss.map(|v| Figure::of_curve("loss", "Cross-entropy at the last step (nats)", v, None)));
        Ok(vec![
            Panel::new("drawing", "Draw a digit: what is it?", drawing),
            Panel::figures(figures),
            run.losses("losses", "Loss", Self::LOSSES),
            Panel::new(
                "examples",
                "Digits from the last step, and what they are recognised as",
                vec![self.examples(&guesses)],
            ),
            run.measured("quality", "Accuracy on unseen digits"),
        ])
    }

    /// Some digits of the last step with what each is recognised as. A wrong one is marked, and names both: `8 → 3`.
    fn examples(&self, guesses: &[usize]) -> View {
        let labels = self.real.labels.iter().take(SHOWN);
        let (mut captions, mut marks) = (Vec::new(), Vec::new());
        for (index, (&label, &guess)) in (0..).zip(labels.zip(guesses)) {
            if usize::from(label) == guess {
                captions.push(guess.to_string());
            } else {
                captions.push(format!("{label} → {guess}"));
                marks.push(Mark { index, text: "✗".into() });
            }
        }
        let mut view = View::digits(&self.real.pixels[..captions.len() * PIXELS], COLUMNS, false);
        if let View::Images { captions: shown, marks: marked, .. } = &mut view {
            (*shown, *marked) = (captions, marks);
        }
        view
    }
}

/// The probability of each digit, as bars in percent.
fn bars(probabilities: Vec<f32>) -> View {
    let counts = probabilities.into_iter().map(|p| (100.0 * p).round()).collect();
    let categories = (0..CLASSES).map(|digit| digit.to_string()).collect();
    let series = vec![HistogramSeries { label: "probability".into(), counts }];
    View::Histogram { series, low: 0.0, high: 100.0, categories }
}
