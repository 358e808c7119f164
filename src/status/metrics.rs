use super::Board;

/// Everything on the board as Prometheus text.
pub fn metrics_text(_board: &Board) -> String {
    String::new()
}
