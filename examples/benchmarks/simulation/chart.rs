//! The picture: requests in each second, on a logarithmic scale.

/// One fleet.
pub struct Line {
    pub name: &'static str,
    pub requests: Vec<u64>,
}

const WIDTH: f64 = 960.0;
const PANEL: f64 = 130.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 60.0;
const GAP: f64 = 34.0;
/// Decades of the scale.
const DECADES: f64 = 6.0;
const INK: &str = "#1f2937";
const COLOURS: [&str; 4] = ["#b91c1c", "#b45309", "#1d4ed8", "#047857"];

/// An SVG with a panel for each line, all on one scale.
pub fn draw(lines: &[Line], outage: (f64, f64)) -> String {
    let seconds = lines.iter().map(|line| line.requests.len()).max().unwrap_or(1) as f64;
    let height = TOP + lines.len() as f64 * (PANEL + GAP) + 30.0;
    let x = |second: f64| LEFT + second / seconds * (WIDTH - LEFT - 20.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">Token requests per second at the issuer: 100,000 processes, tokens of one hour</text>\n\
         <text x=\"{LEFT}\" y=\"42\">All processes start within ten seconds; the issuer is out for the ten minutes in grey. Logarithmic scale.</text>\n"
    );
    for (place, line) in lines.iter().enumerate() {
        let base = TOP + (place as f64 + 1.0) * (PANEL + GAP) - GAP;
        svg += &panel(line, COLOURS[place % COLOURS.len()], base, outage, &x);
    }
    let foot = height - 12.0;
    for minutes in (0..=seconds as u32 / 60).step_by(15) {
        let at = x(f64::from(minutes) * 60.0);
        svg += &format!("<text x=\"{at:.1}\" y=\"{foot}\" text-anchor=\"middle\">{minutes} min</text>\n");
    }
    svg + "</svg>\n"
}

fn panel(line: &Line, colour: &str, base: f64, outage: (f64, f64), x: &dyn Fn(f64) -> f64) -> String {
    let y = |requests: f64| base - (requests.log10() / DECADES).clamp(0.0, 1.0) * PANEL;
    let mut svg = format!(
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{PANEL}\" fill=\"#e5e7eb\"/>\n",
        x(outage.0),
        base - PANEL,
        x(outage.1) - x(outage.0)
    );
    for (value, label) in [(1.0, "1"), (100.0, "100"), (10_000.0, "10,000"), (1_000_000.0, "1,000,000")] {
        let at = y(value);
        svg += &format!(
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#d1d5db\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n",
            WIDTH - 20.0,
            LEFT - 6.0,
            at + 4.0
        );
    }
    let mut path = String::new();
    for (second, requests) in line.requests.iter().enumerate().filter(|(_, requests)| **requests > 0) {
        path += &format!("M{:.1} {base:.1}V{:.1}", x(second as f64), y(*requests as f64) - 1.0);
    }
    let total = crate::grouped(line.requests.iter().sum());
    let peak = crate::grouped(line.requests.iter().copied().max().unwrap_or(0));
    svg += &format!("<path d=\"{path}\" stroke=\"{colour}\" fill=\"none\" stroke-width=\"1\"/>\n");
    svg += &format!(
        "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"{colour}\" font-weight=\"bold\">{}: at most {peak} in a second, {total} in all</text>\n",
        base - PANEL - 8.0,
        line.name
    );
    svg
}
