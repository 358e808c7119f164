//! The report for people.

use std::fmt::{Display, Formatter, Result};

use super::{Figures, Report, Threshold};

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let width = self.groups().map(|figures| figures.group.chars().count()).max().unwrap_or(0).max(14);
        let photos = if self.photos == 1 { "photo" } else { "photos" };
        writeln!(f, "{} {photos}, {} without people", self.photos, self.photos_without_people)?;
        writeln!(f, "precision and recall at a score of {}\n", self.min_score)?;
        let (blank, people) = ("", "people");
        writeln!(
            f,
            "{blank:width$} {people:>7} {:>7} {:>10} {:>7} {:>7} {:>7}",
            "AP50", "precision", "recall", "wrong", "missed"
        )?;
        self.row(f, width, &self.total)?;
        for (title, rows) in [("height of person", &self.by_height), ("source", &self.by_source)] {
            if !rows.is_empty() {
                writeln!(f, "\n{title}")?;
            }
            for row in rows {
                self.row(f, width, row)?;
            }
        }
        writeln!(f, "\n{:width$} {:>9} {:>7} {:>7}", "threshold", "precision", "recall", "F1")?;
        for Threshold { min_score, precision, recall, f1 } in &self.thresholds {
            let [precision, recall, f1] = [precision, recall, f1].map(|part| figure(*part));
            writeln!(f, "{min_score:<width$.1} {precision:>9} {recall:>7} {f1:>7}")?;
        }
        let latency = self.latency;
        writeln!(
            f,
            "\n{:.1} ms a photo (median, one thread), of which the model {:.1} ms",
            latency.detection_ms, latency.inference_ms
        )
    }
}

impl Report {
    fn groups(&self) -> impl Iterator<Item = &Figures> {
        [&self.total].into_iter().chain(&self.by_height).chain(&self.by_source)
    }

    fn row(&self, f: &mut Formatter<'_>, width: usize, figures: &Figures) -> Result {
        let Figures { group, people, ap50, precision, recall, wrong, missed, .. } = figures;
        let [ap50, precision, recall] = [ap50, precision, recall].map(|part| figure(*part));
        writeln!(f, "{group:width$} {people:>7} {ap50:>7} {precision:>10} {recall:>7} {wrong:>7} {missed:>7}")
    }
}

fn figure(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| format!("{part:.3}"))
}
