//! The smallest video that tells its length and size: one second of 320 by 568 pixels, in
//! the boxes of ISO/IEC 14496-12, with nothing to see in it.

const WIDTH: u16 = 320;
const HEIGHT: u16 = 568;
/// Units of time in a second, and the length in them.
const TIMESCALE: u32 = 1000;
const DURATION: u32 = 1000;
const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// An MP4 file.
pub fn mp4() -> Vec<u8> {
    let brand = [b"isom".as_slice(), &number(512), b"isomavc1"].concat();
    let head = plain(b"ftyp", &brand);
    // The sample lies behind the head of `mdat`; the length of `moov` does not depend on it.
    let place = head.len() + moov(0).len() + 8;
    let sample = plain(b"mdat", &[0, 0, 0, 2, 0x09, 0x10]);
    [head, moov(place as u32), sample].concat()
}

fn moov(place: u32) -> Vec<u8> {
    let mvhd = full(
        b"mvhd",
        0,
        &[
            numbers(&[0, 0, TIMESCALE, DURATION, 0x1_0000, 0x0100_0000, 0, 0]),
            numbers(&IDENTITY),
            numbers(&[0, 0, 0, 0, 0, 0, 2]),
        ],
    );
    let tkhd = full(
        b"tkhd",
        3,
        &[
            numbers(&[0, 0, 1, 0, DURATION, 0, 0, 0, 0]),
            numbers(&IDENTITY),
            numbers(&[u32::from(WIDTH) << 16, u32::from(HEIGHT) << 16]),
        ],
    );
    let mdhd = full(
        b"mdhd",
        0,
        &[numbers(&[0, 0, TIMESCALE, DURATION, 0x55c4_0000])],
    );
    let hdlr = full(
        b"hdlr",
        0,
        &[
            numbers(&[0]),
            b"vide".to_vec(),
            numbers(&[0, 0, 0]),
            b"v\0".to_vec(),
        ],
    );
    let vmhd = full(b"vmhd", 1, &[numbers(&[0, 0])]);
    let dref = full(b"dref", 0, &[numbers(&[1]), full(b"url ", 1, &[])]);
    let dinf = plain(b"dinf", &dref);
    let minf = plain(b"minf", &[vmhd, dinf, samples(place)].concat());
    let mdia = plain(b"mdia", &[mdhd, hdlr, minf].concat());
    let trak = plain(b"trak", &[tkhd, mdia].concat());
    plain(b"moov", &[mvhd, trak].concat())
}

/// The tables of the one sample.
fn samples(place: u32) -> Vec<u8> {
    let avcc = plain(b"avcC", &[1, 66, 0, 30, 0xff, 0xe0, 0]);
    let size = [WIDTH.to_be_bytes(), HEIGHT.to_be_bytes()].concat();
    let avc1 = [
        numbers(&[0, 1, 0, 0, 0, 0]),
        size,
        numbers(&[0x48_0000, 0x48_0000, 0]),
        vec![0, 1],
        vec![0; 32],
        vec![0, 24, 0xff, 0xff],
        avcc,
    ];
    let stsd = full(b"stsd", 0, &[numbers(&[1]), plain(b"avc1", &avc1.concat())]);
    let stts = full(b"stts", 0, &[numbers(&[1, 1, DURATION])]);
    let stsc = full(b"stsc", 0, &[numbers(&[1, 1, 1, 1])]);
    let stsz = full(b"stsz", 0, &[numbers(&[6, 1])]);
    let stco = full(b"stco", 0, &[numbers(&[1, place])]);
    plain(b"stbl", &[stsd, stts, stsc, stsz, stco].concat())
}

fn plain(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = number(content.len() as u32 + 8);
    [&length, name.as_slice(), content].concat()
}

/// A box with a version and flags.
fn full(name: &[u8; 4], flags: u32, content: &[Vec<u8>]) -> Vec<u8> {
    plain(name, &[number(flags).to_vec(), content.concat()].concat())
}

fn number(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| number(*value)).collect()
}
