//! Order numbers that people tell by phone: the day and eight characters that cannot be
//! mistaken for one another, such as `20260131-7K3M9QXA`.

use chrono::{DateTime, Datelike};

use crate::kernel::{Time, random};

/// No 0/O, 1/I/L, 5/S, 8/B, 2/Z, U/V: what is misheard or misread is left out.
const ALPHABET: &[u8; 22] = b"34679ACDEFGHJKMNPQRTWX";
const LENGTH: usize = 8;

/// A new number. 22⁸ (5·10¹⁰) numbers a day make a clash a rarity; the unique index
/// refuses it and the call runs again.
pub fn new(now: Time) -> String {
    let mut number = match DateTime::from_timestamp(now.seconds(), 0) {
        Some(day) => format!("{:04}{:02}{:02}-", day.year(), day.month(), day.day()),
        None => String::from("00000000-"),
    };
    for _ in 0..LENGTH {
        let letter = random::below(ALPHABET.len() as u32) as usize;
        number.push(char::from(ALPHABET[letter]));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_day() {
        let number = new(Time::from_micros(1_769_860_800_000_000));
        assert_eq!(&number[..9], "20260131-");
        assert_eq!(number.len(), 17);
        assert_ne!(number, new(Time::from_micros(1_769_860_800_000_000)));
    }
}
