//! Parses the reports of servers and clients: lines of a word and `name=number` pairs.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// One line of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    numbers: BTreeMap<String, f64>,
}

impl Report {
    /// Parses a line that begins with `word`. A pair whose value is not a number is left out, so a lookup of its
    /// name fails.
    pub fn parse(word: &str, line: &str) -> Result<Self> {
        let mut words = line.split_whitespace();
        if words.next() != Some(word) {
            bail!("this is not a line of {word:?}: {line:?}");
        }
        let mut numbers = BTreeMap::new();
        for pair in words {
            let (name, value) = pair
                .split_once('=')
                .with_context(|| format!("{pair:?} is not a name=value pair in {line:?}"))?;
            if let Ok(number) = value.parse::<f64>()
                && number.is_finite()
            {
                numbers.insert(name.to_owned(), number);
            }
        }
        Ok(Self { numbers })
    }

    /// Returns the number with this name.
    pub fn number(&self, name: &str) -> Result<f64> {
        self.numbers
            .get(name)
            .copied()
            .with_context(|| format!("{name} is not a number in {self:?}"))
    }
}

/// Returns the address from a server's first line.
pub fn address(line: &str) -> Result<&str> {
    line.strip_prefix("listening on ").with_context(|| {
        format!("the first line of a server is {line:?}, which is not its address")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_line_is_read_by_its_names() {
        let report = Report::parse("usage", "usage user=12 system=3456 bytes=0").unwrap();
        assert_eq!(report.number("system").unwrap(), 3456.0);
        assert!(report.number("heap").unwrap_err().to_string().starts_with("heap is not a number"));
        let memory = Report::parse("memory", "memory when=cold rss=-4096").unwrap();
        assert_eq!(memory.number("rss").unwrap(), -4096.0);
        assert!(memory.number("when").is_err());
    }

    #[test]
    fn another_line_is_refused() {
        let error = Report::parse("usage", "load wall=5").unwrap_err().to_string();
        assert_eq!(error, "this is not a line of \"usage\": \"load wall=5\"");
        assert!(Report::parse("usage", "usage user").is_err());
        assert!(Report::parse("usage", "usage user=NaN").unwrap().number("user").is_err());
        assert_eq!(address("listening on 127.0.0.1:4").unwrap(), "127.0.0.1:4");
        assert!(address("error: no").is_err());
    }
}
