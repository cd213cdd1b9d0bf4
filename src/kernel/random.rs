//! Randomness from the operating system's generator, in the shapes souk needs.

use rand::TryRng;
use rand::rngs::SysRng;

/// `N` unpredictable bytes.
///
/// # Panics
/// When the operating system has no entropy source: nothing safe can be done then.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0u8; N];
    #[expect(
        clippy::expect_used,
        reason = "without entropy no id and no secret may be made"
    )]
    SysRng
        .try_fill_bytes(&mut out)
        .expect("the operating system provides entropy");
    out
}

/// A uniformly distributed number below `bound`.
pub fn below(bound: u32) -> u32 {
    debug_assert!(bound > 0);
    // Rejection keeps the distribution even; the loop ends after two rounds at most
    // on average.
    let zone = u32::MAX - u32::MAX % bound;
    loop {
        let value = u32::from_le_bytes(bytes());
        if value < zone {
            return value % bound;
        }
    }
}

/// `digits` decimal digits, each equally likely, leading zeros kept.
pub fn code(digits: u32) -> String {
    (0..digits)
        .map(|_| char::from(b'0' + below(10) as u8))
        .collect()
}
