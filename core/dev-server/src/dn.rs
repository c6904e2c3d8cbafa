//! The text of a distinguished name (RFC 4514).

use crate::jose::der::{OID, Reader, SEQUENCE, SET};

/// X.520 attribute types: the last byte of 2.5.4.N.
const X520: [(u8, &str); 7] = [(3, "CN"), (6, "C"), (7, "L"), (8, "ST"), (9, "STREET"), (10, "O"), (11, "OU")];
/// The head of 0.9.2342.19200300.100.1.N.
const PILOT: [u8; 9] = [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01];
/// UTF8String, PrintableString and IA5String.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];

/// A name in DER as text: the last part first, as the RFC wants it.
pub(crate) fn text(name: &[u8]) -> Option<String> {
    let mut parts = Reader(name).enter(SEQUENCE)?;
    let mut texts = Vec::new();
    while !parts.0.is_empty() {
        let mut set = parts.enter(SET)?;
        let mut attributes = Vec::new();
        while !set.0.is_empty() {
            attributes.push(attribute(set.enter(SEQUENCE)?)?);
        }
        texts.push(attributes.join("+"));
    }
    texts.reverse();
    Some(texts.join(","))
}

fn attribute(mut fields: Reader<'_>) -> Option<String> {
    let kind = fields.take(OID)?;
    let (tag, content, whole) = fields.any()?;
    let short = match kind {
        [0x55, 0x04, number] => X520.iter().find(|(known, _)| known == number).map(|(_, short)| *short),
        [head @ .., 1] if head == PILOT => Some("UID"),
        [head @ .., 25] if head == PILOT => Some("DC"),
        _ => None,
    };
    let value = std::str::from_utf8(content).ok().filter(|_| TEXTS.contains(&tag));
    match (short, value) {
        (Some(short), Some(value)) => Some(format!("{short}={}", escape(value))),
        (short, _) => {
            let hex: String = whole.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!("{}=#{hex}", short.map_or_else(|| dotted(kind), str::to_owned)))
        }
    }
}

fn escape(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut escaped = String::new();
    for (index, letter) in value.chars().enumerate() {
        let at_edge = (letter == ' ' && (index == 0 || index == last)) || (letter == '#' && index == 0);
        if at_edge || "\"+,;<>\\".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn dotted(oid: &[u8]) -> String {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number = 0_u64;
    for byte in oid {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first);
                number -= first * 40;
            }
            numbers.push(number);
            number = 0;
        }
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::der::element;

    fn part(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        element(SET, &[&element(SEQUENCE, &[&element(OID, &[kind]), &element(tag, &[value])])])
    }

    #[test]
    fn a_name_is_written_backwards_and_escaped() {
        let name = element(
            SEQUENCE,
            &[
                &part(&[&PILOT[..], &[25]].concat(), 0x16, b"net"),
                &part(&[0x55, 4, 10], 0x0c, b" Acme, Inc."),
                &part(&[0x55, 4, 3], 0x13, b"#a+b "),
            ],
        );
        assert_eq!(text(&name).as_deref(), Some(r"CN=\#a\+b\ ,O=\ Acme\, Inc.,DC=net"));
    }

    /// RFC 4514, 4: an attribute type without a short name.
    #[test]
    fn an_unknown_type_is_written_in_numbers() {
        let name = element(SEQUENCE, &[&part(&[0x2b, 6, 1, 4, 1, 0x8b, 0x3a, 0], 4, b"Hi")]);
        assert_eq!(text(&name).as_deref(), Some("1.3.6.1.4.1.1466.0=#04024869"));
    }
}
