//! Plots: lines over two logarithmic axes, as SVG.
//!
//! ```text
//!   ns │        ╭── calloop          each decade is a line of the grid, each line ends at its name;
//!      │ ──────────── libevent       names that would touch are moved apart
//!      │ ──────────── picoevent
//!      └─────────────────
//!        100   1,000   10,000
//! ```
//!
//! What is not above zero has no place on such an axis and is left out.

use std::{fmt::Write, fs};

use anyhow::{Context, Result};

use super::figures;
use crate::workspace;

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// What grows to the right.
    pub across: String,
    /// What grows upwards.
    pub up: String,
    /// The lines: a name, and points from left to right.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// The size of the picture, and of the part of it that has the lines.
const SIZE: (f64, f64) = (760.0, 430.0);
const FIELD: [f64; 4] = [70.0, 50.0, 560.0, 370.0];

/// Names are at least so far apart.
const LINE_HEIGHT: f64 = 15.0;

/// Colours that can be told apart by those who see few (Okabe and Ito), the first for picoevent.
const COLOURS: [&str; 8] =
    ["#d55e00", "#e69f00", "#999999", "#000000", "#0072b2", "#009e73", "#cc79a7", "#56b4e9"];

/// Writes a plot into `docs/performance/`.
///
/// # Errors
/// When the file can not be written.
pub fn write(name: &str, plot: &Plot) -> Result<()> {
    let folder = workspace::root().join("docs/performance");
    let file = folder.join(name);
    let failed = || format!("cannot write {}", file.display());
    fs::create_dir_all(&folder).with_context(failed)?;
    fs::write(&file, plot.svg()).with_context(failed)?;
    println!("written: docs/performance/{name}");
    Ok(())
}

impl Plot {
    /// Draws it.
    pub fn svg(&self) -> String {
        let lines: Vec<_> =
            self.lines.iter().map(|(name, points)| (name, drawable(points))).collect();
        let all = || lines.iter().flat_map(|(_, points)| points);
        let across = Axis::over(all().map(|point| point.0), FIELD[0], FIELD[2]);
        let up = Axis::over(all().map(|point| point.1), FIELD[3], FIELD[1]);
        let mut svg = self.frame();
        svg += &grid(&across, &up);
        let mut names = Vec::new();
        for (number, (name, points)) in lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let Some(&(_, last)) = points.last() else { continue };
            let place = |(x, y): &(f64, f64)| format!("{:.1},{:.1}", across.at(*x), up.at(*y));
            let path = points.iter().map(place).collect::<Vec<_>>().join(" ");
            let _ = writeln!(
                svg,
                r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#
            );
            for (x, y) in points {
                let (x, y) = (across.at(*x), up.at(*y));
                let _ = writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#);
            }
            names.push((up.at(last), name.as_str(), colour));
        }
        for (y, name, colour) in apart(names) {
            text(&mut svg, (FIELD[2] + 12.0, y + 4.0), "start", colour, name);
        }
        svg + "</svg>\n"
    }

    fn frame(&self) -> String {
        let (width, height) = SIZE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        text(&mut svg, (FIELD[0], 24.0), "start", "#000000", &self.title);
        text(&mut svg, (FIELD[0], 42.0), "start", "#555555", &self.up);
        let middle = f64::midpoint(FIELD[0], FIELD[2]);
        text(&mut svg, (middle, FIELD[3] + 42.0), "middle", "#555555", &self.across);
        svg
    }
}

/// A logarithmic axis, between two places of the picture.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// One that has room for the values and a little more.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
        let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
        Self { low: low.log10() - 0.1, high: high.log10() + 0.1, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.log10() - self.low) / (self.high - self.low);
        self.from + part * (self.to - self.from)
    }

    /// The round values within: decades, or where there are few of those 1, 2 and 5 of each.
    fn marks(&self) -> Vec<f64> {
        let steps: &[f64] = if self.high - self.low > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let decades = self.low.floor() as i32..=self.high.ceil() as i32;
        let all =
            decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        all.filter(|mark| (self.low..=self.high).contains(&mark.log10())).collect()
    }
}

fn grid(across: &Axis, up: &Axis) -> String {
    let mut svg = String::new();
    let [left, top, right, bottom] = FIELD;
    let rule = |x1: f64, y1: f64, x2: f64, y2: f64| {
        format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#dddddd\"/>\n"
        )
    };
    for mark in across.marks() {
        let x = across.at(mark);
        svg += &rule(x, top, x, bottom);
        text(&mut svg, (x, bottom + 20.0), "middle", "#555555", &label(mark));
    }
    for mark in up.marks() {
        let y = up.at(mark);
        svg += &rule(left, y, right, y);
        text(&mut svg, (left - 8.0, y + 4.0), "end", "#555555", &label(mark));
    }
    svg
}

fn label(mark: f64) -> String {
    if mark < 1.0 { mark.to_string() } else { figures::count(Some(mark)) }
}

/// The points that a logarithmic axis has a place for.
fn drawable(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points.iter().copied().filter(|(x, y)| *x > 0.0 && *y > 0.0 && y.is_finite()).collect()
}

/// Moves names downwards until none touches the one above.
fn apart<'n>(mut names: Vec<(f64, &'n str, &'n str)>) -> Vec<(f64, &'n str, &'n str)> {
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::MIN;
    for name in &mut names {
        name.0 = name.0.max(free);
        free = name.0 + LINE_HEIGHT;
    }
    // What went over the edge moves up again.
    let mut edge = FIELD[3];
    for name in names.iter_mut().rev() {
        name.0 = name.0.min(edge);
        edge = name.0 - LINE_HEIGHT;
    }
    names
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, colour: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{colour}">{words}</text>"#
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(lines: &[(&str, &[(f64, f64)])]) -> Plot {
        let lines = lines.iter().map(|(name, points)| ((*name).to_owned(), points.to_vec()));
        let [title, across, up] = ["a < b & c", "n", "ns"].map(str::to_owned);
        Plot { title, across, up, lines: lines.collect() }
    }

    /// Every tag is closed, in order, and there is no bare `&`.
    fn check_well_formed(svg: &str) {
        let mut open = Vec::new();
        for part in svg.split('<').skip(1) {
            let (tag, rest) = part.split_once('>').expect("a tag ends");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            assert!(!rest.contains('>'), "{rest}");
            for entity in rest.split('&').skip(1) {
                assert!(["amp;", "lt;", "gt;"].iter().any(|known| entity.starts_with(known)));
            }
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(tag.split(' ').next().unwrap());
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn a_plot_is_well_formed_and_has_a_line_and_a_name_for_each_contestant() {
        let points: &[_] = &[(100.0, 20.0), (1_000.0, 30.0), (10_000.0, 300.0)];
        let svg = plot(&[("picoevent", points), ("calloop <3", &points[..1])]).svg();
        check_well_formed(&svg);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains(">picoevent</text>") && svg.contains(">calloop &lt;3</text>"));
        assert!(svg.contains(">1,000</text>"));
    }

    #[test]
    fn what_has_no_logarithm_is_left_out_and_an_empty_plot_is_still_one() {
        let svg = plot(&[("below", &[(1.0, -3.0), (10.0, 0.0)]), ("none", &[])]).svg();
        check_well_formed(&svg);
        assert_eq!(svg.matches("<polyline").count(), 0);
        assert!(!svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn names_do_not_touch_and_stay_in_the_picture() {
        let names = apart((0..5).map(|place| (368.0 + f64::from(place), "n", "c")).collect());
        assert!(names.windows(2).all(|pair| pair[1].0 - pair[0].0 >= LINE_HEIGHT));
        assert!(names.iter().all(|name| name.0 <= FIELD[3]));
    }
}
