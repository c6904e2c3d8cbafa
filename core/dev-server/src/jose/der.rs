//! DER, as far as keys and certificates go.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// Context tag 0, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// Context tag 1, constructed.
pub(crate) const CONTEXT_1: u8 = 0xa1;

/// Reads elements one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element: its tag, its content, and the whole of it.
    pub(crate) fn any(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if !(1..=3).contains(&count) {
                return None;
            }
            let (bytes, rest) = rest.split_at_checked(count)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Some((tag, content, whole))
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(found, ..)| *found == tag).map(|(_, content, _)| content)
    }

    /// Reads inside the next element, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(Reader)
    }

    /// Skips the next element where it has this tag.
    pub(crate) fn skip(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.any();
        }
    }

    /// A positive integer without the zero that marks its sign.
    pub(crate) fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(INTEGER)?;
        Some(if bytes.len() > 1 && bytes[0] == 0 { &bytes[1..] } else { bytes })
    }

    /// A bit string of whole bytes.
    pub(crate) fn bits(&mut self) -> Option<&'a [u8]> {
        let (unused, bits) = self.take(BIT_STRING)?.split_first()?;
        (*unused == 0).then_some(bits)
    }
}

/// An element of these parts.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut whole = vec![tag];
    let length = content.len().to_be_bytes();
    let start = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    if content.len() >= 0x80 {
        whole.push(0x80 | (length.len() - start) as u8);
    }
    whole.extend_from_slice(&length[start..]);
    whole.extend(content);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let whole = element(OCTET_STRING, &[&content]);
            let mut reader = Reader(&whole);
            assert_eq!(reader.take(OCTET_STRING), Some(&content[..]), "{length}");
            assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn junk_ends_the_reading() {
        for junk in [&[][..], &[2], &[2, 5, 1], &[2, 0x80], &[2, 0x84, 0, 0, 0, 0]] {
            assert_eq!(Reader(junk).any(), None, "{junk:?}");
        }
    }
}
