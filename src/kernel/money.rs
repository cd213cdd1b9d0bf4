//! Money: whole minor units and a currency. Never floats.

use std::fmt;
use std::str::FromStr;

use super::{Error, Reason, Result};

/// An ISO 4217 currency code, three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// The codes of ISO 4217 that people pay with.
const CURRENT: &str = "\
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD \
CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD \
KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO \
NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE \
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND \
VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

impl Currency {
    /// The Algerian dinar.
    pub const DZD: Self = Self(*b"DZD");

    /// The three letters.
    pub fn as_str(&self) -> &str {
        // Only letters are ever stored, so the text is always there.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether people pay with it today.
    pub fn is_current(&self) -> bool {
        CURRENT.split(' ').any(|code| code == self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a currency code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be an ISO 4217 code: three letters, such as DZD")]
pub struct InvalidCurrency;

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidCurrency> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| InvalidCurrency)?;
        if !bytes.iter().all(u8::is_ascii_alphabetic) {
            return Err(InvalidCurrency);
        }
        Ok(Self(bytes.map(|byte| byte.to_ascii_uppercase())))
    }
}

/// An amount in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// Minor units (for DZD: centimes).
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

/// `unit_price × quantity`.
///
/// # Errors
/// INVALID_ARGUMENT when the product does not fit.
pub fn line_total(unit_price: i64, quantity: i32) -> Result<i64> {
    unit_price
        .checked_mul(i64::from(quantity))
        .ok_or_else(overflow)
}

/// The sum of amounts of one currency.
///
/// # Errors
/// INVALID_ARGUMENT when the sum does not fit.
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64> {
    amounts
        .into_iter()
        .try_fold(0_i64, |total, amount| total.checked_add(amount))
        .ok_or_else(overflow)
}

fn overflow() -> Error {
    Error::new(Reason::ValidationError, "the amount is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_do_not_fit_are_refused() {
        assert_eq!(line_total(250, 3).unwrap(), 750);
        assert_eq!(sum([1, 2, 3]).unwrap(), 6);
        assert_eq!(
            line_total(i64::MAX, 2).unwrap_err().reason(),
            Reason::ValidationError
        );
        assert_eq!(
            sum([i64::MAX, 1]).unwrap_err().reason(),
            Reason::ValidationError
        );
    }

    #[test]
    fn a_currency_is_three_letters() {
        assert_eq!("dzd".parse::<Currency>().unwrap(), Currency::DZD);
        assert!(Currency::DZD.is_current());
        assert!(!"ZZZ".parse::<Currency>().unwrap().is_current());
        for bad in ["", "DZ", "DZDD", "D1D", "é€"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }
}
