//! conformance/COVERAGE.md says which row of the specification is tested in which language, SECURITY-COVERAGE.md what holds each
//! row of the security checklist, UNSAFE.md why each use of `unsafe` is sound. They are made of the scenarios, of the names of tests
//! and of the code, and must not drift from them. `UPDATE_COVERAGE=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

#[path = "support/unsafe_uses.rs"]
mod unsafe_uses;

/// The name in `not`, the name for people, and the folders of the language's own tests.
const LANGUAGES: [(&str, &str, &[&str]); 5] = [
    ("rust", "Rust", &["core/src", "core/tests", "core/cli"]),
    ("python", "Python", &["bindings-python/tests"]),
    ("node", "Node.js", &["bindings-node/test"]),
    ("c", "C", &["bindings-c/tests"]),
    ("php", "PHP", &["bindings-c/php/tests"]),
];

/// What stands before the row in the name of a test; a C program has it at the very beginning.
const BEGINNINGS: [&str; 6] = ["fn ", "def test_", "async def test_", "test('", "test(`", "public function test"];

/// Rows that have no scenario.
const WITHOUT_SCENARIO: [(&str, &str); 3] = [
    ("F36", "5,000 clients in one process: bounded memory, jittered refresh"),
    ("S32", "The process memory holds no needless copies of secrets"),
    ("S33", "Supply chain: lock files, licences, an SBOM, a budget of unsafe, no build step that downloads"),
];

/// What holds a row beside the tests of the languages.
const PROGRAMS: [(&str, &str); 8] = [
    ("S30", "`.ci/memory.py`: what a process writes with every log turned up, in Python, Node.js, PHP and C"),
    ("S14", "`make fuzz`: answers, and what else comes from outside (fuzz/README.md)"),
    ("S30", "`.ci/memory.py`: the core file of a crashed process, in Python, Node.js, PHP and C"),
    ("S32", "`.ci/memory.py`: the memory of running processes, in Python, Node.js, PHP and C"),
    ("S33", "`.ci/measures.sh`: where `unsafe` may be; lock files, and `--locked` in every build"),
    ("S33", "`make audit`: licences, bans and sources of the crates, lock files, no dependency at run time"),
    ("S33", "`.ci/contents.py`: the CycloneDX SBOM of the wheel, the npm package and the C archive"),
    ("S33", "[UNSAFE.md](UNSAFE.md): each use with its reason"),
];

/// Row and language to what is known of them.
type Table<T> = BTreeMap<(String, &'static str), T>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("a scenario can be read")).expect("a scenario is JSON")
}

/// What the scenarios give: titles, cases that run, and reasons of those that do not.
#[derive(Default)]
struct Scenarios {
    titles: BTreeMap<String, String>,
    cases: Table<usize>,
    reasons: Table<BTreeMap<String, usize>>,
}

impl Scenarios {
    fn read() -> Scenarios {
        let mut all = Scenarios::default();
        for (id, title) in WITHOUT_SCENARIO {
            all.titles.insert(id.to_owned(), title.to_owned());
        }
        for file in files(&root().join("core/conformance/scenarios")) {
            let scenario = read(&file);
            let text = |name| scenario[name].as_str().map(str::to_owned).expect("a scenario has an id and a title");
            let id: String = text("id");
            let title = all.titles.entry(id.clone()).or_default();
            // A row can have several files.
            if !title.is_empty() {
                title.push_str("; ");
            }
            title.push_str(&text("title"));
            for case in scenario["cases"].as_array().into_iter().flatten() {
                for (language, ..) in LANGUAGES {
                    match case["not"][language].as_str() {
                        None => *all.cases.entry((id.clone(), language)).or_default() += 1,
                        Some(reason) => {
                            let reasons = all.reasons.entry((id.clone(), language)).or_default();
                            *reasons.entry(reason.to_owned()).or_default() += 1;
                        }
                    }
                }
            }
        }
        all
    }
}

/// Names of tests beside the scenarios.
fn own_tests() -> Table<BTreeSet<String>> {
    let mut tests = Table::<BTreeSet<String>>::new();
    for (language, _, folders) in LANGUAGES {
        for file in folders.iter().flat_map(|folder| files(&root().join(folder))) {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let program = text.strip_prefix("/* ").and_then(row);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            for (id, test) in program.map(|id| (id, name.as_ref())).into_iter().chain(text.lines().filter_map(test)) {
                tests.entry((id, language)).or_default().insert(test.to_owned());
            }
        }
    }
    tests
}

/// `fn f12_lifetimes() {` is `f12_lifetimes`, of F12.
fn test(line: &str) -> Option<(String, &str)> {
    let line = line.trim_start();
    let name = BEGINNINGS.iter().find_map(|beginning| line.strip_prefix(beginning))?;
    let end = name.find(['(', '\'', '`']).unwrap_or(name.len());
    Some((row(name)?, name.get(..end)?))
}

/// The row that a name begins with: F or S and two digits, and then no letter of the same word.
fn row(name: &str) -> Option<String> {
    let id = name.get(..3)?.to_uppercase();
    let (letter, digits) = id.split_at(1);
    let ends = name[3..].starts_with(['_', ' ', ':']) || name[3..].starts_with(char::is_uppercase);
    (matches!(letter, "F" | "S") && digits.bytes().all(|digit| digit.is_ascii_digit()) && ends).then_some(id)
}

fn page() -> String {
    let (scenarios, own) = (Scenarios::read(), own_tests());
    let known = own.keys().all(|(id, _)| scenarios.titles.contains_key(id));
    assert!(known, "a test names a row that is not in the specification: {:?}", own.keys());
    let mut lines: Vec<String> = [
        "# Which row is tested where",
        "",
        "Made of the scenarios and of the names of tests: `UPDATE_COVERAGE=1 cargo test -p tokenwell --test coverage` writes it anew.",
        "A number counts the cases of the scenario that run, `+n` the tests beside it (named below); `-`: none. F: faults, S: security, L: life cycle, C: configuration.",
        "",
        "| row | what | Rust | Python | Node.js | C | PHP |",
        "|---|---|---|---|---|---|---|",
    ]
    .map(str::to_owned)
    .to_vec();
    for (id, title) in &scenarios.titles {
        let cell = |(language, ..): (&'static str, _, _)| {
            let key = (id.clone(), language);
            match (scenarios.cases.get(&key), own.get(&key).map(BTreeSet::len)) {
                (Some(cases), Some(tests)) => format!("{cases} +{tests}"),
                (Some(cases), None) => cases.to_string(),
                (None, Some(tests)) => format!("+{tests}"),
                (None, None) => "-".to_owned(),
            }
        };
        let title = title.replace('|', "\\|");
        lines.push(format!("| {id} | {title} | {} |", LANGUAGES.map(cell).join(" | ")));
    }
    lines.extend(["", "## Cases that cannot apply", ""].map(str::to_owned));
    for ((id, language), reasons) in &scenarios.reasons {
        let reasons: Vec<String> = reasons.iter().map(|(reason, cases)| format!("{reason} ({cases})")).collect();
        lines.push(format!("- {id}, {}: {}", shown(language), reasons.join("; ")));
    }
    lines.extend(["", "## Tests beside the scenarios", ""].map(str::to_owned));
    for ((id, language), tests) in &own {
        let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
        lines.push(format!("- {id}, {}: {}", shown(language), tests.join(", ")));
    }
    lines.join("\n") + "\n"
}

/// Row by row of the security checklist: what holds it. A row that nothing holds fails.
fn security_page() -> String {
    let (scenarios, own) = (Scenarios::read(), own_tests());
    let mut lines: Vec<String> = [
        "# What holds each row of the security checklist",
        "",
        "Made of the scenarios and of the names of tests: `UPDATE_COVERAGE=1 cargo test -p tokenwell --test coverage` writes it anew.",
        "A scenario's number counts its cases over all languages.",
        "",
        "| row | what | held by |",
        "|---|---|---|",
    ]
    .map(str::to_owned)
    .to_vec();
    for (id, title) in scenarios.titles.iter().filter(|(id, _)| id.starts_with('S')) {
        let cases: usize =
            LANGUAGES.iter().filter_map(|(language, ..)| scenarios.cases.get(&(id.clone(), *language))).sum();
        let scenario = (cases > 0).then(|| format!("scenarios ({cases})"));
        let tests = LANGUAGES.iter().filter_map(|(language, shown, _)| {
            let tests: Vec<String> =
                own.get(&(id.clone(), *language))?.iter().map(|test| format!("`{test}`")).collect();
            Some(format!("{shown}: {}", tests.join(", ")))
        });
        let programs = PROGRAMS.iter().filter(|(row, _)| row == id).map(|(_, program)| (*program).to_owned());
        let held: Vec<String> = scenario.into_iter().chain(tests).chain(programs).collect();
        assert!(!held.is_empty(), "nothing holds {id}");
        lines.push(format!("| {id} | {} | {} |", title.replace('|', "\\|"), held.join("; ")));
    }
    lines.join("\n") + "\n"
}

fn shown(language: &str) -> &'static str {
    LANGUAGES.iter().find(|(name, ..)| *name == language).map_or("", |(_, shown, _)| shown)
}

#[test]
fn the_pages_are_what_the_tests_say() {
    let pages =
        [("COVERAGE.md", page()), ("SECURITY-COVERAGE.md", security_page()), ("UNSAFE.md", unsafe_uses::page())];
    for (name, page) in pages {
        let path = root().join("core/conformance").join(name);
        if std::env::var_os("UPDATE_COVERAGE").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            page == written,
            "conformance/{name} is old: run `UPDATE_COVERAGE=1 cargo test -p tokenwell --test coverage`"
        );
    }
}

#[test]
fn rows_are_read_out_of_names() {
    assert_eq!(test("    fn f12_lifetimes() {"), Some(("F12".to_owned(), "f12_lifetimes")));
    assert_eq!(test("def test_f26_celery_prefork(when: str) -> None:"), Some(("F26".to_owned(), "f26_celery_prefork")));
    assert_eq!(
        test("test('F27 process.exit ends it', async () => {"),
        Some(("F27".to_owned(), "F27 process.exit ends it"))
    );
    assert_eq!(test("    public function testF27ExitEndsIt(): void"), Some(("F27".to_owned(), "F27ExitEndsIt")));
    assert_eq!(row("F26: fork before use"), Some("F26".to_owned()));
    assert_eq!((row("s256_is_no_row"), row("fork"), row("F1"), test("    f12_lifetimes();")), (None, None, None, None));
}
