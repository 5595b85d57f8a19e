//! The table, and the small statistics in it.

use comfy_table::{Table, presets};

/// One line of the table.
pub struct Row {
    pub figure: String,
    pub ours: String,
    pub floor: String,
    pub ratio: Option<f64>,
    pub aim: String,
    /// Whether the aim is met, where there is one.
    pub met: Option<bool>,
}

/// What there is to reach.
#[derive(Clone, Copy)]
pub enum Aim {
    /// Ours is below this.
    Below(f64),
    /// Ours is above this.
    Above(f64),
    /// The ratio to the floor is at most this.
    Ratio(f64),
    /// It is only told.
    Told,
}

/// How a number is shown.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Seconds, as milliseconds.
    Ms,
    Seconds,
    MiB,
    /// Megabytes a second.
    Speed,
    Count,
}

impl Unit {
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Ms if value < 0.01 => format!("{:.1} ms", value * 1e3),
            Self::Ms => format!("{:.0} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::MiB => format!("{value:.1} MiB"),
            Self::Speed => format!("{value:.0} MB/s"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

impl Row {
    /// A row from pairs: ours and the floor, measured in turns.
    pub fn of(figure: &str, unit: Unit, pairs: &[(f64, f64)], floor: &str, aim: Aim) -> Self {
        let ours = median(pairs.iter().map(|pair| pair.0));
        let below = median(pairs.iter().map(|pair| pair.1));
        let ratio = median(pairs.iter().map(|(ours, floor)| ours / floor));
        let mut row = Self::alone(figure, unit, ours, aim);
        row.floor = format!("{} {floor}", unit.show(below));
        row.ratio = Some(ratio);
        if let Aim::Ratio(most) = aim {
            row.met = Some(ratio <= most);
        }
        row
    }

    /// A row without a floor.
    pub fn alone(figure: &str, unit: Unit, ours: f64, aim: Aim) -> Self {
        let (text, met) = match aim {
            Aim::Below(most) => (format!("< {}", unit.show(most)), Some(ours < most)),
            Aim::Above(least) => (format!("> {}", unit.show(least)), Some(ours > least)),
            Aim::Ratio(most) => (format!("<= {most:.1}x"), None),
            Aim::Told => ("-".to_owned(), None),
        };
        Self {
            figure: figure.to_owned(),
            ours: unit.show(ours),
            floor: "-".to_owned(),
            ratio: None,
            aim: text,
            met,
        }
    }
}

pub fn render(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["figure", "ours", "floor", "ratio", "aim", ""]);
    for row in rows {
        let ratio = row.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
        let met = row.met.map_or("", |met| if met { "met" } else { "MISSED" });
        table.add_row([&*row.figure, &*row.ours, &*row.floor, &*ratio, &*row.aim, met]);
    }
    table.to_string()
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

pub fn quantile(values: impl Iterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = (values.len().saturating_sub(1)) as f64 * part;
    values.get(at.round() as usize).copied().unwrap_or(f64::NAN)
}
