//! The numbers that a GPU is held against are those of the CPU backend, and no other numbers pass.

use kiln::compare::{max_abs, max_abs_diff, relative_error, worst, worst_at};
use kiln::device::open_cpu;
use kiln::device::probe::{self, Computed};
use kiln::error::Code;

fn computed() -> Vec<Computed> {
    let device = open_cpu().expect("a CPU").device;
    pollster::block_on(probe::compute(&device)).expect("numbers")
}

/// `KILN_BLESS=1 cargo test --profile fast --features typescript --test probe` writes the reference anew.
#[test]
fn the_probe_reference_is_what_the_cpu_computes() {
    let computed = computed();
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write("src/device/probe/reference.bin", probe::reference(&computed)).expect("it can be written");
        panic!("src/device/probe/reference.bin was written: run again without KILN_BLESS");
    }
    let worst = probe::accept(&computed).expect("the CPU agrees with itself");
    assert!(worst < 1e-4, "{worst}");
}

/// Whatever one result is instead of itself: the rest are right.
#[test]
fn a_device_that_computes_one_thing_wrong_is_refused() {
    let right = computed();
    assert!(probe::accept(&right).is_ok());
    let mut tried = 0;
    for (at, Computed { what, values }) in right.iter().enumerate() {
        let (n, largest) = (values.len(), max_abs(values));
        assert!(largest > 0.0 && largest.is_finite(), "{what} shows nothing");
        let put = |place: usize, value: f32| {
            let mut values = values.clone();
            values[place] = value;
            values
        };
        let last = &right[(at + right.len() - 1) % right.len()].values;
        let mut wrong = vec![
            ("zeros", vec![0.0; n]),
            ("the last answer again", last.iter().cycle().take(n).copied().collect()),
            ("nothing", Vec::new()),
            ("twice as much", values.iter().map(|v| 2.0 * v).collect()),
            ("one percent more", values.iter().map(|v| 1.01 * v).collect()),
            ("the other sign", values.iter().map(|v| -v).collect()),
        ];
        for place in [0, n / 2, n - 1] {
            wrong.push(("a NaN", put(place, f32::NAN)));
            wrong.push(("infinity", put(place, f32::INFINITY)));
            wrong.push(("less than anything", put(place, f32::NEG_INFINITY)));
            wrong.push(("a hundredth beside", put(place, values[place] + 0.01 * largest)));
        }
        for (how, values) in wrong {
            let mut device = right.clone();
            device[at].values = values;
            let error = probe::accept(&device).err().unwrap_or_else(|| panic!("{what}: {how} was accepted"));
            assert_eq!(error.code, Code::WrongArithmetic, "{what}: {how}");
            tried += 1;
        }
    }
    assert!(tried > 18 * 20, "only {tried} wrong devices were tried");
    assert!(probe::accept(&right[1..]).is_err() && probe::accept(&right[..right.len() - 1]).is_err());
    assert!(probe::accept(&[]).is_err());
}

#[test]
fn a_nan_is_the_worst_of_numbers_wherever_it_stands() {
    for errors in [[5.0, f32::NAN, 0.001], [f32::NAN, 0.001, 5.0], [0.001, 5.0, f32::NAN]] {
        assert!(worst(errors).is_nan(), "{errors:?}");
        assert!(max_abs(&errors).is_nan() && max_abs_diff(&errors, &[0.0; 3]).is_nan());
        assert!(max_abs_diff(&[0.0; 3], &errors).is_nan() && relative_error(&errors, &[1.0; 3]).is_nan());
        assert!(relative_error(&[1.0; 3], &errors).is_nan());
    }
    assert_eq!(worst_at([1.0, 5.0, 0.001]), (1, 5.0));
    assert_eq!((worst([]), max_abs(&[-3.0, 2.0]), max_abs_diff(&[1.0, 4.0], &[1.5, 2.0])), (0.0, 3.0, 2.0));
    assert!(max_abs_diff(&[1.0], &[1.0, 2.0]).is_nan(), "not as many numbers");
    assert_eq!((relative_error(&[0.0], &[0.0]), relative_error(&[3.0, 0.0], &[4.0, 0.0])), (0.0, 0.25));
    assert!(relative_error(&[1.0], &[0.0]).is_infinite());
}
