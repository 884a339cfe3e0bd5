//! Fits a line through points, to find the cost of a call and the cost of each byte.

/// The line `call + byte × x` that is closest to the points, by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// The value at zero.
    pub call: f64,
    /// The slope.
    pub byte: f64,
}

impl Fit {
    /// Fits a line to at least two points with different x. Returns `None` if there are no such points.
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        let number = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / number;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        let common: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let byte = common / spread;
        byte.is_finite().then_some(Self { call: y - byte * x, byte })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_line_give_the_line() {
        let points = [(1.0, 102.0), (64.0, 228.0), (536.0, 1_172.0)];
        let Fit { call, byte } = Fit::of(&points).unwrap();
        assert!((call - 100.0).abs() < 1e-9 && (byte - 2.0).abs() < 1e-9, "{call} {byte}");
    }

    #[test]
    fn one_point_does_not_determine_a_line() {
        assert_eq!(Fit::of(&[]), None);
        assert_eq!(Fit::of(&[(1.0, 2.0)]), None);
        assert_eq!(Fit::of(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
