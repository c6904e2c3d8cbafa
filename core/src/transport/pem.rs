//! The certificates of a PEM file (RFC 7468 section 5). They are public, so that their base64 needs no decoder which hides from a clock
//! what it reads: one took longer than all the rest of a first token.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::ControlFlow::{self, Break, Continue};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::PAD;
use rustls::pki_types::CertificateDer;

/// Shows one certificate after the other, in the same place, as long as it is to go on; `None`: one that is no base64 or has no end.
pub(super) fn certificates(
    path: &Path,
    mut show: impl FnMut(Option<CertificateDer<'_>>) -> ControlFlow<io::Result<()>>,
) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut text, mut der, base64) = (Vec::new(), Vec::new(), base64());
    let mut inside = false;
    loop {
        let begin = text.len();
        if file.read_until(b'\n', &mut text)? == 0 {
            return if inside { show(None).break_value().unwrap_or(Ok(())) } else { Ok(()) };
        }
        let shown = match text[begin..].trim_ascii_end() {
            b"-----BEGIN CERTIFICATE-----" => {
                text.clear();
                if std::mem::replace(&mut inside, true) { show(None) } else { Continue(()) }
            }
            b"-----END CERTIFICATE-----" if inside => {
                inside = false;
                der.clear();
                let whole = base64.decode_vec(&text[..begin], &mut der).is_ok();
                show(whole.then(|| CertificateDer::from(der.as_slice())))
            }
            line => {
                let end = if inside { begin + line.len() } else { 0 };
                text.truncate(end);
                Continue(())
            }
        };
        if let Break(outcome) = shown {
            return outcome;
        }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn base64() -> impl Engine {
    base64::engine::Simd::standard(PAD)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn base64() -> impl Engine {
    base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, PAD)
}
