//! The seal of entries in shared stores. Whoever reads a store learns neither token nor credential, and whoever writes to it
//! cannot make a client use a token that another did not put there.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::Name;

/// The form of entries. Another number is another form, and a miss.
const VERSION: u8 = 1;
/// Version, expiry, nonce.
const HEAD: usize = 1 + 8 + NONCE_LEN;

/// The two keys that come of one secret (RFC 5869).
pub(crate) struct Keys {
    names: hmac::Key,
    seal: LessSafeKey,
}

impl Keys {
    /// `secret` is `cache_key` or the client's credential.
    pub(crate) fn derive(secret: &[u8]) -> Option<Keys> {
        let root = Salt::new(HKDF_SHA256, b"tokenwell shared cache").extract(secret);
        let names = expand(&root, b"names")?;
        let seal = expand(&root, b"seal")?;
        let seal = UnboundKey::new(&AES_256_GCM, seal.as_slice()).ok()?;
        Some(Keys { names: hmac::Key::new(hmac::HMAC_SHA256, names.as_slice()), seal: LessSafeKey::new(seal) })
    }

    /// What names are made with.
    pub(crate) fn names(&self) -> &hmac::Key {
        &self.names
    }

    /// The name under which a token is noted as refused.
    pub(crate) fn refused(&self, entry: &Name, token: &str) -> Name {
        self.beside(["refused", entry.as_str(), token])
    }

    /// The name under which it is noted that the last fetch failed.
    pub(crate) fn failed(&self, entry: &Name) -> Name {
        self.beside(["failed", entry.as_str(), ""])
    }

    /// The name under which it is tried whether a store serves.
    pub(crate) fn examined(&self) -> Name {
        self.beside(["examined", "", ""])
    }

    fn beside(&self, parts: [&str; 3]) -> Name {
        let mut context = hmac::Context::with_key(&self.names);
        for part in parts {
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        Name::from_hash(context.sign().as_ref())
    }

    /// Seals `content` for this name. `expires`: milliseconds since 1970.
    pub(crate) fn seal(&self, name: &Name, expires: u64, content: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut entry = Vec::with_capacity(HEAD + content.len() + MAX_TAG_LEN);
        entry.push(VERSION);
        entry.extend_from_slice(&expires.to_be_bytes());
        entry.extend_from_slice(&nonce);
        entry.extend_from_slice(content);
        let bound = bound(name, &entry[..HEAD]);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.seal.seal_in_place_separate_tag(nonce, Aad::from(bound), &mut entry[HEAD..]).ok()?;
        entry.extend_from_slice(tag.as_ref());
        Some(entry)
    }

    /// What is in an entry that was sealed for this name by someone with the same secret, and has not expired. `now`:
    /// milliseconds since 1970.
    pub(crate) fn open(&self, name: &Name, mut entry: Zeroizing<Vec<u8>>, now: u64) -> Option<Zeroizing<Vec<u8>>> {
        let (head, _) = entry.split_at_checked(HEAD)?;
        let (expires, nonce) = head.strip_prefix(&[VERSION])?.split_first_chunk()?;
        if u64::from_be_bytes(*expires) <= now {
            return None;
        }
        let (nonce, bound) = (Nonce::try_assume_unique_for_key(nonce).ok()?, bound(name, head));
        let length = self.seal.open_in_place(nonce, Aad::from(bound), &mut entry[HEAD..]).ok()?.len();
        entry.drain(..HEAD);
        entry.truncate(length);
        Some(entry)
    }
}

/// What the seal covers beside the content.
fn bound(name: &Name, head: &[u8]) -> Vec<u8> {
    [name.as_str().as_bytes(), &head[..HEAD - NONCE_LEN]].concat()
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

fn expand(root: &Prk, purpose: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    root.expand(&[purpose], Length).and_then(|okm| okm.fill(key.as_mut_slice())).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000;

    fn keys(secret: &str) -> Keys {
        Keys::derive(secret.as_bytes()).unwrap()
    }

    fn name(byte: u8) -> Name {
        Name::from_hash(&[byte; 32])
    }

    fn open(keys: &Keys, name: &Name, entry: &[u8], now: u64) -> Option<Vec<u8>> {
        keys.open(name, Zeroizing::new(entry.to_vec()), now).map(|content| content.to_vec())
    }

    #[test]
    fn f33_what_was_sealed_is_opened() {
        let entry = keys("a").seal(&name(1), NOW + 1, b"content").unwrap();
        assert_eq!(open(&keys("a"), &name(1), &entry, NOW).unwrap(), b"content");
        assert!(!entry.windows(7).any(|part| part == b"content"));
    }

    #[test]
    fn f33_under_another_secret_or_name_or_after_expiry_it_is_not() {
        let entry = keys("a").seal(&name(1), NOW + 1, b"content").unwrap();
        assert!(open(&keys("b"), &name(1), &entry, NOW).is_none());
        assert!(open(&keys("a"), &name(2), &entry, NOW).is_none());
        assert!(open(&keys("a"), &name(1), &entry, NOW + 1).is_none());
    }

    #[test]
    fn f33_no_changed_byte_and_no_cut_goes_unseen() {
        let entry = keys("a").seal(&name(1), NOW + 1, b"content").unwrap();
        for at in 0..entry.len() {
            for bit in 0..8 {
                let mut changed = entry.clone();
                changed[at] ^= 1 << bit;
                assert!(open(&keys("a"), &name(1), &changed, NOW).is_none(), "byte {at}, bit {bit}");
            }
            assert!(open(&keys("a"), &name(1), &entry[..at], NOW).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn two_seals_of_one_content_differ() {
        let seal = || keys("a").seal(&name(1), NOW + 1, b"content").unwrap();
        assert_ne!(seal(), seal());
    }
}
