//! The loop of a codec row's process.

use std::hint::black_box;
use std::time::Duration;

use crate::child::{self, Mark, Measurement};

/// Does the row's work: `op`, as often as this process was told, after a tenth of it unmeasured.
pub(crate) fn measured<T>(mut op: impl FnMut() -> T) {
    let ops = child::ops();
    for _ in 0..child::warmup() {
        black_box(op());
    }
    let mark = |received| Mark {
        received,
        cpu: Duration::ZERO,
    };
    let measurement = Measurement::begin(mark(0));
    let mut done = 0;
    while done < ops {
        black_box(op());
        done += 1;
    }
    measurement.end(mark(done));
}
