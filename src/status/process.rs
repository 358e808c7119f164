use std::fs;

/// What the process uses.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// User and system time.
    pub cpu_seconds: f64,
    /// Resident memory.
    pub resident_bytes: u64,
    /// Threads.
    pub threads: u64,
}

/// Reads it from `/proc` (proc(5)); `None` where there is none.
pub fn usage() -> Option<Usage> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the name, may hold anything but ends with the last ')'; fields are numbered from 1.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |n: usize| fields.get(n - 3)?.parse::<u64>().ok();
    /// USER_HZ is 100 on every Linux of today, whatever the kernel's own tick.
    const TICKS_PER_SECOND: f64 = 100.0;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?.trim().trim_end_matches("kB").trim();
    Some(Usage {
        cpu_seconds: (field(14)? + field(15)?) as f64 / TICKS_PER_SECOND,
        resident_bytes: resident.parse::<u64>().ok()? * 1024,
        threads: field(20)?,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_process_uses_something() {
        let usage = super::usage().expect("there is a /proc");
        assert!(usage.resident_bytes > 1 << 20 && usage.threads >= 1, "{usage:?}");
    }
}
