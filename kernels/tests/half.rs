//! Numbers of 16 bits: to them and back.

use kiln_kernels::{f16, to_f16};

/// The magnitudes that half precision has, in order: those of the patterns 0 to 0x7bff.
fn magnitudes() -> Vec<f64> {
    (0..0x7c00).map(|bits| f64::from(f16(bits))).collect()
}

#[test]
fn every_pattern_is_the_number_that_it_stands_for_and_comes_back() {
    for bits in 0..=u16::MAX {
        let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
        let value = f16(bits);
        let size = match exponent {
            0 => fraction * 2f64.powi(-24),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            e => (1.0 + fraction / 1024.0) * 2f64.powi(e - 15),
        };
        if size.is_nan() {
            assert!(value.is_nan(), "{bits:#06x}");
            continue;
        }
        assert_eq!((f64::from(value.abs()), value.is_sign_negative()), (size, sign == 1), "{bits:#06x}");
        assert_eq!(to_f16(value), bits, "{bits:#06x}: {value}");
    }
}

/// Between each two neighbours: just below the middle, the middle itself, just above it; with either sign.
#[test]
fn what_lies_between_two_goes_to_the_nearer_and_the_middle_to_the_even_one() {
    let all = magnitudes();
    for (bits, pair) in (0u16..).zip(all.windows(2)) {
        let middle = ((pair[0] + pair[1]) / 2.0) as f32;
        assert_eq!(f64::from(middle), (pair[0] + pair[1]) / 2.0, "32 bits have it");
        let even = bits + bits % 2;
        for (value, expected) in [(middle.next_down(), bits), (middle, even), (middle.next_up(), bits + 1)] {
            assert_eq!(to_f16(value), expected, "{value} between {} and {}", pair[0], pair[1]);
            assert_eq!(to_f16(-value), expected | 0x8000, "{value}");
        }
    }
}

#[test]
fn what_is_too_small_is_zero_with_its_sign() {
    for value in [0.0, f32::from_bits(1), f32::MIN_POSITIVE, 2f32.powi(-26), 2f32.powi(-25)] {
        assert_eq!((to_f16(value), to_f16(-value)), (0, 0x8000), "{value}");
    }
    assert_eq!(to_f16(2f32.powi(-25).next_up()), 1);
}

#[test]
fn what_is_too_large_and_what_is_no_number_is_never_finite() {
    assert_eq!((to_f16(65_504.0), to_f16(65_519.99)), (0x7bff, 0x7bff), "the largest, and what is rounded to it");
    for value in [65_520.0, 65_536.0, 1e6, f32::MAX, f32::INFINITY] {
        assert_eq!((to_f16(value), to_f16(-value)), (0x7c00, 0xfc00), "{value}");
    }
    for bits in [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff, 0x7f80_2000] {
        let half = to_f16(f32::from_bits(bits));
        assert!(!f16(half).is_finite(), "the NaN {bits:#010x} became {half:#06x}");
    }
}
