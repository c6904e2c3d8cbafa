//! A fleet and its authorization server, on paper: how many token requests arrive in each second of two hours, with and
//! without jitter, with and without a shared store, through an outage of ten minutes. What each process decides comes from
//! the library's own functions.

use std::path::Path;

#[allow(dead_code)] // not every decision of the library is of interest here
#[path = "../../../core/src/lifecycle.rs"]
mod lifecycle;

mod chart;
mod fleet;
mod random;

use fleet::{Fleet, World};

/// The seconds that are played.
const SECONDS: usize = 7200;
/// From when, and until when, the server answers 503.
const OUTAGE: (f64, f64) = (2400.0, 3000.0);

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut lines = Vec::new();
    let mut table = String::from(
        "| jitter | store | peak at the start | peak until the outage ends | peak after it | requests in all | flights that failed without a valid token |\n|---|---|---|---|---|---|---|\n",
    );
    for (name, jitter, store) in [
        ("neither", false, false),
        ("jitter alone", true, false),
        ("a store alone", false, true),
        ("jitter and a store", true, true),
    ] {
        let result = Fleet::new(World { jitter, store, outage: OUTAGE, seconds: SECONDS }).play();
        let peak = |from: f64, to: f64| result.requests[from as usize..to as usize].iter().max().copied().unwrap_or(0);
        let word = |is: bool| if is { "yes" } else { "no" };
        table += &format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            word(jitter),
            word(store),
            grouped(peak(0.0, 60.0)),
            grouped(peak(60.0, OUTAGE.1)),
            grouped(peak(OUTAGE.1, SECONDS as f64)),
            grouped(result.requests.iter().sum()),
            grouped(result.failed),
        );
        lines.push(chart::Line { name, requests: result.requests });
    }
    std::fs::write(folder.join("requests.svg"), chart::draw(&lines, OUTAGE))?;
    print!("{table}");
    write_between(&folder.join("README.md"), &table)
}

/// Puts the table in the place that the page has for it.
fn write_between(page: &Path, table: &str) -> std::io::Result<()> {
    const BEGIN: &str = "<!-- table -->\n";
    const END: &str = "<!-- end of the table -->";
    let text = std::fs::read_to_string(page)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| std::io::Error::other("the page has no place for the table"))?;
    std::fs::write(page, format!("{before}{BEGIN}{table}{END}{after}"))
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let start = digits.len() % 3;
    let mut groups: Vec<&str> =
        digits.as_bytes()[start..].chunks(3).filter_map(|part| std::str::from_utf8(part).ok()).collect();
    if start > 0 {
        groups.insert(0, &digits[..start]);
    }
    groups.join(",")
}
