//! Asks the device agent; it is loaded first if it is not there. Nothing here falls back to reading through the
//! loader: what the agent does not say is not known.

use super::board_link::BoardLink;
use super::error::Stop;
use super::event::{Outcome, Stage};
use super::job::Job;
use super::request::Question;
use super::{agent_map, bench_agent, compare_files};
use crate::device::agent_session::AgentSession;
use crate::model::region::Region;

pub(super) fn run(
    link: &mut BoardLink,
    question: &Question,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let agent = link.agent(job)?;
    job.stage(Stage::Asking);
    Ok(match question {
        Question::Info => Outcome::AgentInfo(agent.info()?),
        Question::Map(mapping) => Outcome::AgentMap(agent_map::run(agent, *mapping)?),
        Question::List { partition, path } => Outcome::Listed(agent.list(partition, path)?),
        Question::Find { partition, path } => Outcome::Found(agent.find(partition, path)?),
        Question::Verify { partition, path } => {
            Outcome::AgentVerified(agent.verify(partition, path)?)
        }
        Question::Compare { partition, files } => {
            Outcome::FilesCompared(compare_files::run(agent, partition, files, job)?)
        }
        Question::Bench {
            partition,
            path,
            count,
        } => Outcome::Benched(bench_agent::run(agent, partition, path, *count, job)?),
        Question::ReadRegion(region) => {
            let bytes = read(agent, *region, job)?;
            Outcome::Read {
                region: *region,
                bytes: bytes.into(),
            }
        }
        Question::ReadFile { partition, path } => {
            let Some(found) = agent.find(partition, path)? else {
                return Ok(Outcome::FileRead(None));
            };
            // The agent always knows where in flash the file is that it has just found.
            let offset = found.flash_offset.unwrap_or_default();
            let bytes = read(agent, Region::new(offset, found.size), job)?;
            Outcome::FileRead(Some((found, bytes.into())))
        }
    })
}

fn read(agent: &mut AgentSession, region: Region, job: &mut Job<'_>) -> Result<Vec<u8>, Stop> {
    job.stage(Stage::Reading);
    let total = u64::from(region.size);
    Ok(agent.read(region, &mut |done| job.advanced(done, total))?)
}
