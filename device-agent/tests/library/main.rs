//! What the library promises: bytes on the wire, what readers find, what the MMU is told, and that nothing hostile harms it.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod cache_lines;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod mmu;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod reader;
// `cfg(test)` is always true here; it tells clippy that helpers may unwrap as tests may.
#[cfg(test)]
mod support;
