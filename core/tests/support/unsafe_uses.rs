//! conformance/UNSAFE.md lists every use of `unsafe` in what is shipped, with the reason that stands above it. A use without a
//! reason fails.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Where it is allowed (.ci/measures.sh sees to that).
const PLACES: [&str; 2] = ["core/src/engine.rs", "bindings-c/src"];
/// A reason stands at most so many lines above its use: it can serve several that follow each other.
const REACH: usize = 8;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(place) else { return vec![place.to_owned()] };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// The code of a line, without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Whether this line begins a block of `unsafe`. Exported names and signatures promise something to C and do nothing.
fn is_use(line: &str) -> bool {
    code(line).contains("unsafe {")
}

/// The text behind the nearest `SAFETY:` above a line, or on it.
fn reason(lines: &[&str], at: usize) -> Option<String> {
    let start = (at.saturating_sub(REACH)..=at).rev().find(|&line| lines[line].contains("// SAFETY: "))?;
    let first = lines[start].split("// SAFETY: ").nth(1)?;
    let rest = lines[start + 1..].iter().map_while(|line| line.trim_start().strip_prefix("// "));
    Some(std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" "))
}

/// The page.
pub fn page() -> String {
    let mut page = "# Every use of `unsafe` in what is shipped\n\nMade of the code: `UPDATE_COVERAGE=1 cargo test -p tokenwell --test coverage` writes it anew.\n\n\
         | file | what | why it is sound |\n|---|---|---|\n"
        .to_owned();
    let mut uses = 0;
    for place in PLACES {
        for file in files(&root().join(place)) {
            let text = std::fs::read_to_string(&file).expect("a source file can be read");
            let lines: Vec<&str> = text.lines().collect();
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_use(line)) {
                let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
                let why = reason(&lines, at).unwrap_or_else(|| panic!("{name}: no SAFETY comment for {line}"));
                let what = code(line).trim().replace('|', "\\|");
                writeln!(page, "| {name} | `{what}` | {} |", why.replace('|', "\\|")).expect("a string grows");
                uses += 1;
            }
        }
    }
    writeln!(
        page,
        "\n{uses} uses. What is not shipped is not in the table: tests that fork or call the C interface as C does, and the fuzz targets \
         (folder fuzz), which have none of their own."
    )
    .expect("a string grows");
    page
}

#[test]
fn s33_every_use_of_unsafe_has_a_reason_above_it() {
    let lines = ["// SAFETY: it is", "// sound.", "let a = unsafe { b() };"];
    assert_eq!(reason(&lines, 2).as_deref(), Some("it is sound."));
    assert_eq!(reason(&lines[1..], 1), None);
    assert!(is_use(lines[2]) && !is_use("// unsafe { a }") && !is_use("pub unsafe extern \"C\" fn a() {"));
}
