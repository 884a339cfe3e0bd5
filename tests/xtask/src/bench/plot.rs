//! Plots: lines over two logarithmic axes, as SVG.
//!
//! ```text
//!   ns │        ╭── calloop          each line ends at its name; names that would touch are moved
//!      │ ──────────── libevent       apart
//!      │ ──────────── picoevent
//!      └─────────────────
//!        100   1,000   10,000
//! ```
//!
//! What is not above zero has no place on such an axis and is left out.

use std::fs;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

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

/// The size of the picture, and of its right edge, which has the names of the lines.
const SIZE: (u32, u32) = (760, 430);
const NAMES: u32 = 200;

/// Names are at least so far apart.
const LINE_HEIGHT: i32 = 15;

const FONT: &str = "sans-serif";

/// Colours that can be told apart by those who see few (Okabe and Ito), the first for picoevent.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x99, 0x99, 0x99),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
];

/// Writes a plot into `docs/performance/`.
///
/// # Errors
/// When it cannot be drawn, or the file not be written.
pub fn write(name: &str, plot: &Plot) -> Result<()> {
    let folder = workspace::root().join("docs/performance");
    let file = folder.join(name);
    let failed = || format!("cannot write {}", file.display());
    fs::create_dir_all(&folder).with_context(failed)?;
    fs::write(&file, plot.svg()?).with_context(failed)?;
    println!("written: docs/performance/{name}");
    Ok(())
}

impl Plot {
    /// Returns the picture.
    ///
    /// # Errors
    /// The library's.
    pub fn svg(&self) -> Result<String> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(|error| anyhow!("cannot draw {:?}: {error}", self.title))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let lines: Vec<_> =
            self.lines.iter().map(|(name, points)| (name, drawable(points))).collect();
        let all = || lines.iter().flat_map(|(_, points)| points);
        let picture = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        picture.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&picture)
            .caption(&self.title, (FONT, 20))
            .margin(10)
            .margin_right(NAMES)
            .set_label_area_size(LabelAreaPosition::Left, 70)
            .set_label_area_size(LabelAreaPosition::Bottom, 45)
            .build_cartesian_2d(
                range(all().map(|point| point.0)).log_scale(),
                range(all().map(|point| point.1)).log_scale(),
            )?;
        let label = |mark: &f64| label(*mark);
        chart
            .configure_mesh()
            .x_desc(&self.across)
            .y_desc(&self.up)
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .label_style((FONT, 16))
            .light_line_style(TRANSPARENT)
            .draw()?;
        let mut names = Vec::new();
        for ((name, points), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
            let Some(last) = points.last() else { continue };
            let line = LineSeries::new(points.iter().copied(), colour.filled().stroke_width(2));
            chart.draw_series(line.point_size(3))?;
            names.push((chart.backend_coord(last), name, colour));
        }
        let bottom = chart.plotting_area().get_pixel_range().1.end;
        let end = chart.plotting_area().get_pixel_range().0.end;
        let heights = apart(names.iter().map(|((_, y), ..)| *y).collect(), bottom);
        for ((_, name, colour), y) in names.iter().zip(heights) {
            let style = (FONT, 16).into_font().color(*colour);
            picture.draw(&Text::new(name.as_str(), (end + 12, y - LINE_HEIGHT / 2), style))?;
        }
        Ok(picture.present()?)
    }
}

/// The range of values and a little more.
fn range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
    let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
    low / 1.25..high * 1.25
}

fn label(mark: f64) -> String {
    if mark < 1.0 { mark.to_string() } else { figures::count(Some(mark)) }
}

/// The points that a logarithmic axis has a place for.
fn drawable(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points.iter().copied().filter(|(x, y)| *x > 0.0 && *y > 0.0 && y.is_finite()).collect()
}

/// Moves names downwards until none touches the one above, and up again those that went over the
/// edge. Returns their heights in the order in which they were given.
fn apart(heights: Vec<i32>, bottom: i32) -> Vec<i32> {
    let mut order: Vec<_> = (0..heights.len()).collect();
    order.sort_by_key(|place| heights[*place]);
    let (mut heights, mut free, mut edge) = (heights, i32::MIN, bottom);
    for &place in &order {
        heights[place] = heights[place].max(free);
        free = heights[place] + LINE_HEIGHT;
    }
    for &place in order.iter().rev() {
        heights[place] = heights[place].min(edge);
        edge = heights[place] - LINE_HEIGHT;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(lines: &[(&str, &[(f64, f64)])]) -> Plot {
        let lines = lines.iter().map(|(name, points)| ((*name).to_owned(), points.to_vec()));
        let [title, across, up] = ["a < b & c", "n", "ns"].map(str::to_owned);
        Plot { title, across, up, lines: lines.collect() }
    }

    #[test]
    fn a_plot_has_a_line_and_a_name_for_each_contestant_and_text_is_escaped() {
        let points: &[_] = &[(100.0, 20.0), (1_000.0, 30.0), (10_000.0, 300.0)];
        let svg = plot(&[("picoevent", points), ("calloop <3", &points[..1])]).svg().unwrap();
        assert_eq!(
            svg.matches("<polyline fill=\"none\" opacity=\"1\" stroke=\"#D55E00\"").count(),
            1
        );
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("\npicoevent\n") && svg.contains("\ncalloop &lt;3\n"), "{svg}");
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("\n1,000\n"), "{svg}");
    }

    #[test]
    fn what_has_no_logarithm_is_left_out_and_an_empty_plot_is_still_one() {
        let svg = plot(&[("below", &[(1.0, -3.0), (10.0, 0.0)]), ("none", &[])]).svg().unwrap();
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 0);
    }

    #[test]
    fn names_do_not_touch_and_stay_in_the_picture() {
        let names = apart(vec![370, 368, 369, 10], 370);
        assert_eq!(names, [370, 340, 355, 10]);
    }
}
