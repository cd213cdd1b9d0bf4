//! The protobuf wire form, as far as the edge reads and writes it without knowing the
//! message: a field put in from a path or query, a field looked up by its number.

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Writes a varint field.
pub fn put_varint(number: u32, value: u64, out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | VARINT), out);
    varint(value, out);
}

/// Writes a 64-bit field.
pub fn put_fixed64(number: u32, value: [u8; 8], out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | FIXED64), out);
    out.extend_from_slice(&value);
}

/// Writes a 32-bit field.
pub fn put_fixed32(number: u32, value: [u8; 4], out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | FIXED32), out);
    out.extend_from_slice(&value);
}

/// Writes a string, bytes or a message.
pub fn put_bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    begin_bytes(number, value.len(), out);
    out.extend_from_slice(value);
}

/// Begins such a field: so many bytes follow.
pub fn begin_bytes(number: u32, length: usize, out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | LENGTH), out);
    varint(length as u64, out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The payload of the last occurrence of a field: the encoded number, or what stands
/// after the length. `None` when the field is not there.
pub fn find(message: &[u8], number: u32) -> Option<&[u8]> {
    let mut rest = message;
    let mut found = None;
    while let Some((at, payload, tail)) = next(rest) {
        if at == number {
            found = Some(payload);
        }
        rest = tail;
    }
    found
}

/// The field at the start, its payload, and what follows it.
fn next(message: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (key, rest) = take_varint(message)?;
    let key = u32::try_from(key).ok()?;
    let (skip, length) = match key & 7 {
        VARINT => (0, rest.len() - take_varint(rest)?.1.len()),
        FIXED64 => (0, 8),
        FIXED32 => (0, 4),
        LENGTH => {
            let (length, tail) = take_varint(rest)?;
            (rest.len() - tail.len(), usize::try_from(length).ok()?)
        }
        _ => return None,
    };
    let rest = rest.get(skip..)?;
    let (payload, tail) = rest.split_at_checked(length)?;
    Some((key >> 3, payload, tail))
}

fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_number_and_the_last_one_counts() {
        let mut message = Vec::new();
        put_varint(1, 300, &mut message);
        put_bytes(2, b"first", &mut message);
        put_fixed64(3, 1.5f64.to_le_bytes(), &mut message);
        put_fixed32(4, 2.5f32.to_le_bytes(), &mut message);
        put_bytes(2, b"second", &mut message);
        assert_eq!(find(&message, 1), Some(&[0xac, 0x02][..]));
        assert_eq!(find(&message, 2), Some(&b"second"[..]));
        assert_eq!(find(&message, 3), Some(&1.5f64.to_le_bytes()[..]));
        assert_eq!(find(&message, 4), Some(&2.5f32.to_le_bytes()[..]));
        assert_eq!(find(&message, 5), None);
    }

    #[test]
    fn broken_bytes_are_no_field() {
        assert_eq!(find(&[0x0a, 0x05, b'a'], 1), None);
        assert_eq!(find(&[0x80; 12], 1), None);
        assert_eq!(find(&[0x0b], 1), None);
    }
}
