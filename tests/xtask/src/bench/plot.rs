//! Plots: lines over two logarithmic axes, as SVG.
//!
//! Values of zero or less cannot be drawn on a logarithmic axis, so these values are left out.

use std::fs;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

use super::figures;
use crate::workspace;

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// The title.
    pub title: String,
    /// The label of the x axis.
    pub across: String,
    /// The label of the y axis.
    pub up: String,
    /// The lines: a name, and points from left to right.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// The size of the picture.
const SIZE: (u32, u32) = (760, 430);

const FONT: &str = "sans-serif";

/// Colours that colour-blind people can distinguish (Okabe and Ito). The first colour is for picoevent.
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
        for ((name, points), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
            let style = colour.filled().stroke_width(2);
            let line = LineSeries::new(points.iter().copied(), style).point_size(3);
            let key = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style);
            chart.draw_series(line)?.label(*name).legend(key);
        }
        let legend = (FONT, 14).into_font();
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .label_font(legend)
            .draw()?;
        Ok(picture.present()?)
    }
}

/// Returns a range that is a little larger than the range of the values.
fn range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
    let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
    low / 1.25..high * 1.25
}

fn label(mark: f64) -> String {
    if mark < 1.0 { mark.to_string() } else { figures::count(Some(mark)) }
}

/// Returns the points that can be drawn on a logarithmic axis.
fn drawable(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points.iter().copied().filter(|(x, y)| *x > 0.0 && *y > 0.0 && y.is_finite()).collect()
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
    fn a_plot_has_a_line_and_a_name_for_each_contender_and_text_is_escaped() {
        let points: &[_] = &[(100.0, 20.0), (1_000.0, 30.0), (10_000.0, 300.0)];
        let svg = plot(&[("picoevent", points), ("calloop <3", &points[..1])]).svg().unwrap();
        // The line, and its key in the legend.
        let line = "<polyline fill=\"none\" opacity=\"1\" stroke=\"#D55E00\"";
        assert_eq!(svg.matches(line).count(), 2);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("\npicoevent\n") && svg.contains("\ncalloop &lt;3\n"), "{svg}");
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("\n1,000\n"), "{svg}");
    }

    #[test]
    fn values_without_a_logarithm_are_left_out_and_a_plot_may_be_empty() {
        let svg = plot(&[("below", &[(1.0, -3.0), (10.0, 0.0)]), ("none", &[])]).svg().unwrap();
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 0);
    }
}
