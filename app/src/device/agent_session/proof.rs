//! Questions for which the agent reads all bytes of something, or looks many names up.

use device_agent::error::Error as Fault;
use device_agent::message::UNKNOWN;
use device_agent::reply::{self, FoundFlags, Verified};
use device_agent::request::FindFlags;

use super::super::agent_answer::{Cycles, FileSum, LookUpCost, Spot, VerifyReport};
use super::super::agent_client::AgentError;
use super::super::error::DeviceError;
use super::{AgentSession, text};
use crate::model::number::hex;

impl AgentSession {
    /// Proof of a Bin and all in it, or of one file.
    pub fn verify(&mut self, partition: &str, path: &str) -> Result<VerifyReport, DeviceError> {
        let place = self.place(partition)?;
        if !path.is_empty() {
            let found = self
                .client
                .find(place, path.as_bytes(), FindFlags(0))
                .map_err(|error| self.failed_in(error, partition, path))?;
            // Only an index tells a Bin from a file.
            if !found.flags.has(FoundFlags::BIN) {
                let sum = self.file_sum(partition, path)?;
                return Ok(of_file(path, &sum));
            }
        }
        let verified = self
            .client
            .verify(place, path.as_bytes())
            .map_err(|error| self.failed_in(error, partition, path))?;
        Ok(of_bin(&verified))
    }

    /// The sum of a file's bytes, beside what its check record holds.
    pub fn file_sum(&mut self, partition: &str, path: &str) -> Result<FileSum, DeviceError> {
        let place = self.place(partition)?;
        let sum = self
            .client
            .crc_file(place, path.as_bytes())
            .map_err(|error| self.failed_in(error, partition, path))?;
        Ok(FileSum {
            flash_offset: sum.flash_offset,
            size: sum.size,
            computed: sum.computed,
            recorded: sum.recorded,
            cycles: known(sum.cycles),
        })
    }

    /// Where several files are. Many names go into one frame, so this is the fast way to ask for many.
    pub fn spots(&mut self, partition: &str, paths: &[&str]) -> Result<Vec<Spot>, DeviceError> {
        let place = self.place(partition)?;
        let names: Vec<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
        let spots = self
            .client
            .find_many(place, &names)
            .map_err(|error| self.failed_in(error, partition, ""))?;
        spots
            .into_iter()
            .zip(paths)
            .map(|(spot, path)| match spot {
                Ok(spot) => Ok(Spot::At {
                    offset: spot.offset,
                    size: spot.size,
                }),
                Err(Fault::NotFound) => Ok(Spot::NotFound),
                Err(Fault::Corrupt | Fault::TooDeep) => Ok(Spot::Unreadable),
                Err(fault) => Err(self.failed_in(
                    AgentError::Refused {
                        asked: "a file's place",
                        fault,
                    },
                    partition,
                    path,
                )),
            })
            .collect()
    }

    /// What `count` look-ups of one path cost on the chip; `walk` without the index.
    pub fn look_up_cost(
        &mut self,
        partition: &str,
        path: &str,
        count: u16,
        walk: bool,
    ) -> Result<LookUpCost, DeviceError> {
        let place = self.place(partition)?;
        let flags = FindFlags(if walk { FindFlags::WALK } else { 0 });
        let benched = self
            .client
            .bench(place, path.as_bytes(), count, flags)
            .map_err(|error| self.failed_in(error, partition, path))?;
        Ok(LookUpCost {
            count: benched.count,
            cold: cycles(&benched.cold, benched.count),
            warm: cycles(&benched.warm, benched.count),
        })
    }

    /// CPU cycles in a second; `None` when the board does not know its clock.
    pub fn cpu_hz(&mut self) -> Result<Option<u32>, DeviceError> {
        let info = self.client.info().map_err(|error| self.failed(error))?;
        Ok((info.cpu_hz != 0).then_some(info.cpu_hz))
    }
}

fn known(cycles: u32) -> Option<u32> {
    (cycles != UNKNOWN).then_some(cycles)
}

fn cycles(all: &reply::Cycles, count: u32) -> Option<Cycles> {
    let fewest = known(all.least)?;
    let mean = all.total.checked_div(u64::from(count))?;
    Some(Cycles {
        fewest,
        most: all.most,
        mean: u32::try_from(mean).ok()?,
    })
}

fn of_file(path: &str, sum: &FileSum) -> VerifyReport {
    let fault = sum
        .recorded
        .filter(|recorded| *recorded != sum.computed)
        .map(|recorded| {
            format!(
                "“{path}” at {}: its bytes have the CRC-32 {:08X}, its check record says {recorded:08X}",
                hex(sum.flash_offset),
                sum.computed
            )
        });
    VerifyReport {
        bins: 0,
        files: 1,
        bytes: sum.size,
        unchecked: u32::from(sum.recorded.is_none()),
        faults: fault.into_iter().collect(),
        cycles: sum.cycles,
    }
}

fn of_bin(verified: &Verified) -> VerifyReport {
    let faults = verified.first.map(|fault| {
        let name = text(&fault.name);
        let subject = if name.is_empty() {
            "the directory".to_owned()
        } else {
            format!("“{name}”")
        };
        let more = match verified.tally.faults {
            0 | 1 => String::new(),
            faults => format!(" ({faults} faults in all)"),
        };
        format!(
            "{subject} of the Bin at {}: {}{more}",
            hex(fault.bin_offset),
            fault.kind.sentence()
        )
    });
    VerifyReport {
        bins: verified.tally.bins,
        files: verified.tally.files,
        bytes: verified.tally.bytes,
        unchecked: verified.tally.unchecked,
        faults: faults.into_iter().collect(),
        cycles: known(verified.cycles),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_that_nobody_knows_are_none() {
        let mut all = reply::Cycles::new();
        all.add(UNKNOWN);
        all.add(UNKNOWN);
        assert_eq!(cycles(&all, 2), None);
        let mut all = reply::Cycles::new();
        all.add(10);
        all.add(20);
        let expected = Cycles {
            fewest: 10,
            most: 20,
            mean: 15,
        };
        assert_eq!(cycles(&all, 2), Some(expected));
    }

    #[test]
    fn a_file_whose_bytes_are_not_those_of_its_record_is_named() {
        let mut sum = FileSum {
            flash_offset: 0x30_1230,
            size: 9,
            computed: 1,
            recorded: Some(1),
            cycles: None,
        };
        assert!(of_file("a", &sum).faults.is_empty());
        sum.recorded = Some(2);
        let report = of_file("a", &sum);
        assert!(report.faults[0].contains("“a” at 0x301230"), "{report:?}");
        sum.recorded = None;
        assert_eq!(of_file("a", &sum).unchecked, 1);
    }
}
