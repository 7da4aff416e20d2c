//! What the planner tells the MMU, alone and beside an app.

use device_agent::error::Error;
use device_agent::flash::{Flash, read_u32};
use device_agent::mmu::{ENTRIES, Hardware, INVALID, Mmu, PAGE_SIZE, Sharing, Usage};

use crate::support::{FakeChip, MIB, Random};

fn numbered(size: usize) -> Vec<u8> {
    (0..size as u32 / 4).flat_map(u32::to_le_bytes).collect()
}

fn alone(size: usize) -> Mmu<FakeChip> {
    Mmu::new(FakeChip::new(numbered(size)), Sharing::Alone)
}

fn page_of(offset: u32) -> u32 {
    offset / PAGE_SIZE
}

#[test]
fn pages_are_mapped_when_they_are_needed() {
    let mut mmu = alone(4 * MIB);
    assert_eq!(mmu.usage(), Usage { free: 128, own: 0 });
    assert_eq!(read_u32(&mut mmu, 0x12_3450), Ok(0x12_3450 / 4));
    assert_eq!(mmu.usage(), Usage { free: 127, own: 1 });
    assert_eq!(
        mmu.hardware().entries[0x12],
        0x12,
        "a page goes to the entry of its number"
    );
    mmu.map_all().unwrap();
    assert_eq!(mmu.usage(), Usage { free: 64, own: 64 });
    mmu.release();
    assert_eq!(mmu.usage(), Usage { free: 128, own: 0 });
    assert_eq!(read_u32(&mut mmu, 0x3F_FFFC), Ok(0x3F_FFFC / 4));
}

#[test]
fn words_across_a_page_border_are_right() {
    let mut mmu = alone(MIB);
    for border in (PAGE_SIZE..MIB as u32).step_by(PAGE_SIZE as usize) {
        for back in 1..4 {
            let offset = (border - back) as usize;
            let expected = mmu.hardware().flash[offset..offset + 4].to_vec();
            assert_eq!(
                read_u32(&mut mmu, offset as u32).unwrap().to_le_bytes(),
                expected[..]
            );
            assert_eq!(
                mmu.view(offset as u32, 100).unwrap().len(),
                back as usize,
                "a run ends at the border"
            );
        }
    }
}

#[test]
fn regions_past_the_end_are_refused() {
    let mut mmu = alone(MIB);
    let size = MIB as u32;
    for (offset, len) in [
        (size, 1),
        (size - 1, 2),
        (u32::MAX, 1),
        (0, u32::MAX),
        (size + 1, 0),
    ] {
        assert_eq!(
            mmu.view(offset, len).err(),
            Some(Error::OutOfRange),
            "{offset} {len}"
        );
        assert_eq!(
            mmu.map(offset, len).err(),
            Some(Error::OutOfRange),
            "{offset} {len}"
        );
    }
    assert_eq!(mmu.view(size, 0), Ok(&[][..]));
    assert_eq!(mmu.usage().own, 0);
}

#[test]
fn a_mapping_says_both_addresses() {
    let mut mmu = alone(8 * MIB);
    let mapping = mmu.map(0x12_3456, 0x3_0000).unwrap();
    assert_eq!(
        (mapping.vaddr, mapping.vaddr_code),
        (0x3C12_3456, 0x4212_3456)
    );
    assert!(mapping.contiguous);
    let all = mmu.map(0, 8 << 20).unwrap();
    assert_eq!((all.vaddr, all.contiguous), (0x3C00_0000, true));
}

#[test]
fn large_flash_slides_through_the_window() {
    let mut mmu = alone(16 * MIB);
    assert!(mmu.is_sliding());
    let mut random = Random(7);
    for _ in 0..3000 {
        let offset = random.below(16 << 20) & !3;
        assert_eq!(read_u32(&mut mmu, offset), Ok(offset / 4), "{offset:#x}");
    }
    assert_eq!(mmu.usage(), Usage { free: 0, own: 128 });
    let upper = mmu.map(0x90_0000, 4).unwrap();
    assert_eq!(upper.vaddr, 0x3C10_0000);
    let whole = mmu.map(0, 16 << 20).unwrap();
    assert!(!whole.contiguous);
    let across = mmu.map(0x7F_0000, 0x2_0000).unwrap();
    assert!(
        !across.contiguous,
        "the last entry is not followed by the first"
    );
    assert_eq!(read_u32(&mut mmu, 0xFF_FFFC), Ok(0xFF_FFFC / 4));
}

#[test]
fn beside_an_app_its_pages_are_used_and_left_alone() {
    let mut chip = FakeChip::new(numbered(4 * MIB));
    // As espflash's bootloader leaves them: the app's pages first, and the bootloader's own last.
    for (index, page) in [(0_u8, 1), (1, 2), (5, 9), (127, 0)] {
        chip.set_entry(index, page);
    }
    let before = chip.entries;
    let mut mmu = Mmu::new(chip, Sharing::Shared);
    assert_eq!(read_u32(&mut mmu, 9 * PAGE_SIZE), Ok(9 * PAGE_SIZE / 4));
    assert_eq!(mmu.usage().own, 0, "page 9 was there already");
    assert_eq!(mmu.map(9 * PAGE_SIZE, 4).unwrap().vaddr, 0x3C05_0000);
    assert_eq!(read_u32(&mut mmu, 5 * PAGE_SIZE), Ok(5 * PAGE_SIZE / 4));
    assert_eq!(
        mmu.hardware().entries[126],
        5,
        "entry 5 is taken, so the free one nearest the end, but never the last"
    );
    for offset in (0..4 << 20).step_by(PAGE_SIZE as usize) {
        assert_eq!(read_u32(&mut mmu, offset), Ok(offset / 4));
    }
    for (index, value) in before
        .into_iter()
        .enumerate()
        .filter(|(_, value)| value & INVALID == 0)
    {
        assert_eq!(mmu.hardware().entries[index], value, "entry {index}");
    }
    mmu.release();
    assert_eq!(mmu.hardware().entries, before);
}

#[test]
fn a_full_table_is_an_answer() {
    let mut chip = FakeChip::new(numbered(4 * MIB));
    for index in 0..ENTRIES - 1 {
        chip.set_entry(index, 0);
    }
    let mut mmu = Mmu::new(chip, Sharing::Shared);
    assert_eq!(read_u32(&mut mmu, 0), Ok(0));
    assert_eq!(read_u32(&mut mmu, PAGE_SIZE), Err(Error::NoFreeEntry));
    assert_eq!(mmu.map(PAGE_SIZE, 4).err(), Some(Error::NoFreeEntry));
    assert_eq!(mmu.map_all(), Err(Error::NoFreeEntry));
    mmu.hardware_mut().set_entry(3, INVALID);
    for offset in [PAGE_SIZE, 2 * PAGE_SIZE, 3 * PAGE_SIZE, PAGE_SIZE] {
        assert_eq!(
            read_u32(&mut mmu, offset),
            Ok(offset / 4),
            "one entry serves page {}",
            page_of(offset)
        );
    }
    assert_eq!(mmu.usage(), Usage { free: 1, own: 1 });
}

#[test]
fn an_entry_that_an_app_took_back_is_not_believed() {
    let mut mmu = Mmu::new(FakeChip::new(numbered(MIB)), Sharing::Shared);
    assert_eq!(read_u32(&mut mmu, 3 * PAGE_SIZE), Ok(3 * PAGE_SIZE / 4));
    mmu.hardware_mut().set_entry(3, 7);
    mmu.hardware_mut().invalidate(3);
    assert_eq!(read_u32(&mut mmu, 3 * PAGE_SIZE), Ok(3 * PAGE_SIZE / 4));
    assert_eq!(mmu.hardware().entries[3], 7, "it is the app's now");
    mmu.release();
    assert_eq!(mmu.hardware().entries[3], 7);
}
