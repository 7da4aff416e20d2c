//! Speeds of a serial port, in bits per second.

/// The speed at which every loader and the agent start.
pub const START: u32 = 115_200;

/// Speeds that a loader is usually asked for, slowest first. The last two are more than most bridges carry.
pub const USUAL: [u32; 6] = [START, 230_400, 460_800, 921_600, 1_500_000, 2_000_000];

/// The next usual speed below this one; `None` at [`START`] and below, which every line carries.
pub fn next_lower(baud: u32) -> Option<u32> {
    USUAL.into_iter().rev().find(|usual| *usual < baud)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_down_step_by_step_to_the_start() {
        let steps = std::iter::successors(Some(921_600), |baud| next_lower(*baud));
        assert_eq!(
            steps.collect::<Vec<_>>(),
            [921_600, 460_800, 230_400, START]
        );
        assert_eq!(next_lower(3_000_000), Some(2_000_000));
        assert_eq!(next_lower(115_201), Some(START));
        assert_eq!(next_lower(9_600), None);
    }
}
