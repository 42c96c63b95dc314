//! How many tests passed and failed, read from what the test runners print.

/// What a stage came to.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Count {
    pub passed: usize,
    pub failed: usize,
}

impl Count {
    /// One check that is itself the test.
    pub fn one(success: bool) -> Self {
        Self { passed: usize::from(success), failed: usize::from(!success) }
    }

    /// A stage that fails without naming a test, or runs none, counts as one failure.
    pub fn held_against(self, success: bool) -> Self {
        let silent = self.failed == 0 && (!success || self.passed == 0);
        Self { failed: self.failed + usize::from(silent), ..self }
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// cargo's and wasm-bindgen-test's `test result: ok. 3 passed; 0 failed; 1 ignored; ...`
pub fn cargo(lines: &[String]) -> Count {
    let mut total = Count::default();
    for line in lines {
        let Some((_, result)) = line.split_once("test result:") else {
            continue;
        };
        for part in result.split([';', '.']) {
            match number_and_word(part) {
                Some((number, "passed")) => total.passed += number,
                Some((number, "failed")) => total.failed += number,
                _ => {}
            }
        }
    }
    total
}

/// Playwright's summary: `  2 failed`, `  1 flaky`, `  3 skipped`, `  1 did not run`, `  30 passed (1.2m)`, each on its line.
/// What was skipped was not shown to work, so it counts as failed. A flaky test passed on its second try.
pub fn playwright(lines: &[String]) -> Count {
    let mut total = Count::default();
    for line in lines {
        match number_and_word(line) {
            Some((number, "passed" | "flaky")) => total.passed += number,
            Some((number, "failed" | "skipped" | "did" | "interrupted")) => total.failed += number,
            _ => {}
        }
    }
    total
}

/// `12 passed (3s)` gives 12 and `passed`; only summary lines begin so.
fn number_and_word(text: &str) -> Option<(usize, &str)> {
    let mut words = text.split_whitespace();
    let number = words.next()?.parse().ok()?;
    Some((number, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(crate::run::without_colours).collect()
    }

    #[test]
    fn every_result_line_of_cargo_is_added() {
        let text = "test result: \u{1b}[32mok\u{1b}[0m. 3 passed; 0 failed; 1 ignored; 0 measured; finished in 0.1s\n\
                    test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 filtered out";
        assert_eq!(cargo(&lines(text)), Count { passed: 4, failed: 2 });
    }

    #[test]
    fn a_skipped_page_test_is_a_failure() {
        let text = "  ok 1 page.spec.js:3:1 › opens (1.2s)\n  1 skipped\n  2 did not run\n  5 passed (1.2m)";
        assert_eq!(playwright(&lines(text)), Count { passed: 5, failed: 3 });
    }

    #[test]
    fn a_stage_that_says_nothing_has_failed() {
        assert_eq!(Count::default().held_against(true).failed, 1);
        assert_eq!(Count { passed: 3, failed: 0 }.held_against(false).failed, 1);
        assert_eq!(Count { passed: 3, failed: 2 }.held_against(false).failed, 2);
        assert_eq!(Count { passed: 3, failed: 0 }.held_against(true).failed, 0);
    }
}
