import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import {
  CRC_FROM,
  HEADER,
  HEADER_BYTES,
  SECTION,
  SECTION_ENTRY_BYTES,
  type SectionName,
} from '../../../shared/format/indicator-snapshot/layout.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import {
  SnapshotError,
  type SnapshotErrorCode,
} from '../../../shared/format/indicator-snapshot/snapshot-error.ts';
import { listed, threats, warningList } from './feeds.ts';

const small = buildSnapshot([
  threats('bare.txt', listed('192.0.2.1'), listed('192.0.2.0/24'), listed('192.0.2.128/25')),
  threats(
    'rich.json',
    listed('192.0.2.1', { id: 'x' }),
    listed('2001:db8::1', { validFrom: '2026-08-01T00:00:00.000Z' }),
    listed('2001:db8::/32'),
  ),
]);
/** The sections of `small`, which has no filter. */
const NAMES: readonly SectionName[] = (Object.keys(SECTION) as SectionName[]).filter(
  (name) => name !== 'ipv4Filter',
);
const tableEnd = HEADER_BYTES + NAMES.length * SECTION_ENTRY_BYTES;

function refuses(bytes: Uint8Array, code: SnapshotErrorCode, found: RegExp = /./): void {
  assert.throws(
    () => openSnapshot(bytes, crc32),
    (error) => {
      assert.ok(error instanceof SnapshotError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, found);
      return true;
    },
  );
}

function codeOfOpening(bytes: Uint8Array): unknown {
  try {
    openSnapshot(bytes, crc32);
    return null;
  } catch (error) {
    return (error as SnapshotError).code;
  }
}

/** With a checksum that holds, as someone would who means harm. */
function sealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(HEADER.crc * 4, crc32(bytes.subarray(CRC_FROM)), true);
  return bytes;
}

function edited(edit: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = small.slice();
  edit(new DataView(bytes.buffer), bytes);
  return sealed(bytes);
}

const entryOf = (name: SectionName) => HEADER_BYTES + NAMES.indexOf(name) * SECTION_ENTRY_BYTES;
const offsetOf = (name: SectionName) =>
  new DataView(small.buffer).getUint32(entryOf(name) + 8, true);
const lengthOf = (name: SectionName) =>
  new DataView(small.buffer).getUint32(entryOf(name) + 12, true);

describe('opening a snapshot', () => {
  it('answers from bytes that lie anywhere in their buffer', () => {
    for (const shift of [0, 1, 4, 8, 13]) {
      const buffer = new Uint8Array(small.length + shift);
      buffer.set(small, shift);
      const snapshot = openSnapshot(buffer.subarray(shift));
      assert.equal(snapshot.matchesOfIpv4(0xc000_0201).length, 3);
      assert.equal(snapshot.stat.bytes, small.length);
    }
  });

  it('takes the checksum from whoever computes it', () => {
    assert.throws(() => openSnapshot(small, () => 1), { code: 'corrupt' });
    assert.equal(openSnapshot(small).stat.ipv4Addresses, 1);
  });

  it('keeps every section at a multiple of eight', () => {
    for (const name of NAMES) assert.equal(offsetOf(name) % 8, 0);
  });
});

describe('a file that is no snapshot', () => {
  for (const [what, bytes] of [
    ['nothing', new Uint8Array(0)],
    ['text', new TextEncoder().encode('192.0.2.1\n'.repeat(40))],
    ['zeros', new Uint8Array(4096)],
    ['half a magic number', small.slice(0, 7)],
  ] as const) {
    it(`is foreign: ${what}`, () => refuses(bytes, 'foreign'));
  }

  it('is foreign whatever it holds', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refuses(bytes, 'foreign')));
  });
});

describe('a damaged snapshot', () => {
  it('is truncated when cut at any byte', () => {
    // A quarter of a million errors: without their stacks that is five times faster.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      for (let length = 8; length < small.length; length++) {
        assert.equal(codeOfOpening(small.subarray(0, length)), 'truncated');
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });

  it('is refused with bytes behind its end', () => {
    const longer = new Uint8Array(small.length + 1);
    longer.set(small);
    refuses(longer, 'inconsistent', /1 bytes too many/);
  });

  it('is refused with a flipped bit in any byte that matters most, and in many others', () => {
    const places = [
      ...Array(tableEnd).keys(),
      ...Array.from({ length: 300 }, (_, i) => Math.floor((i * (small.length - 1)) / 299)),
    ];
    for (const place of places) {
      const bytes = small.slice();
      bytes[place]! ^= 1 << (place & 7);
      assert.throws(() => openSnapshot(bytes, crc32), SnapshotError, `byte ${place}`);
    }
  });

  it('is refused or answers without failing when its checksum was made to hold', () => {
    const interesting = fc.oneof(
      fc.nat(tableEnd - 1),
      fc.integer({ min: offsetOf('ipv4Addresses'), max: small.length - 1 }),
      fc.nat(small.length - 1),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(interesting, fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = small.slice();
          for (const [place, value] of changes) bytes[place] = value;
          try {
            const snapshot = openSnapshot(sealed(bytes), crc32);
            for (const word of [0, 0xc000_0201, 0xc000_0280, 0xffff_ffff])
              snapshot.matchesOfIpv4(word);
            snapshot.matchesOfIpv6(0x2001_0db8, 0, 0, 1);
            snapshot.matchesOfIpv6(0xffff_ffff, 0, 0, 0);
          } catch (error) {
            assert.ok(error instanceof SnapshotError, String((error as Error).stack));
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});

describe('a large snapshot that somebody changed', () => {
  // With a filter, a network that is listed address by address, nested ranges and both families.
  const dense = Array.from({ length: 700 }, (_, i) => 0xc0a8_0000 + i);
  const addresses = Uint32Array.from(
    { length: 5000 },
    (_, i) => dense[i] ?? Math.imul(i, 0x9e37_79b1),
  );
  const ranges = ['45.0.0.0/8', '45.1.0.0/16', '2001:db8::/32', '2001:db8:0:1::/64', 'ffff::/16'];
  const feed = (name: string, count: number) => ({
    name,
    kind: 'threat' as const,
    indicators: [...ranges, '2001:db8::5', '::9'].map((text) => listed(text)),
    ipv4: [{ addresses: addresses.slice(0, count), details: [null], detailOf: null }],
  });
  const large = buildSnapshot([feed('one', 5000), feed('two', 900)], { filter: true });
  const view = new DataView(large.buffer);
  const sections = Array.from({ length: view.getUint32(HEADER.sections * 4, true) }, (_, i) => {
    const entry = HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    return { at: view.getUint32(entry + 8, true), length: view.getUint32(entry + 12, true) };
  }).filter(({ length }) => length >= 4);

  it('is refused, or answers every question and ends', () => {
    const change = fc.record({
      section: fc.constantFrom(...sections),
      word: fc.oneof(fc.nat(3), fc.nat()),
      value: fc.oneof(fc.nat(40), fc.constantFrom(0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff)),
    });
    let opened = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = large.slice();
        for (const { section, word, value } of changes) {
          const at = section.at + 4 * (word % Math.floor(section.length / 4));
          new DataView(bytes.buffer).setUint32(at, value, true);
        }
        try {
          const snapshot = openSnapshot(sealed(bytes), crc32);
          opened++;
          for (const word of [0, 0xffff_ffff, 0x2d01_0001, ...addresses.subarray(690, 720)]) {
            assert.equal(typeof snapshot.hasIpv4(word), 'boolean');
            snapshot.matchesOfIpv4(word);
          }
          for (const [first, last] of [
            [0, 9],
            [0x2001_0db8, 0],
            [0xffff_ffff, 0xffff_ffff],
          ] as const) {
            assert.equal(typeof snapshot.hasIpv6(first, 0, 0, last), 'boolean');
            snapshot.matchesOfIpv6(first, 0, 0, last);
          }
          let listings = 0;
          for (const _ of snapshot.indicators()) listings++;
          assert.ok(listings < 50_000, `${listings}`);
        } catch (error) {
          assert.ok(error instanceof SnapshotError, String((error as Error).stack));
        }
      }),
      { numRuns: 400 },
    );
    assert.ok(opened > 40, `${opened} were opened`);
  });
});

describe('a snapshot whose checksum holds and whose parts do not agree', () => {
  it('has warning lists inside its warning lists, however deep', () => {
    const empty = buildSnapshot([]);
    const nested = (inside: Uint8Array) => {
      // The section is the last one, and empty: what is put behind the file is in it.
      const bytes = new Uint8Array(Math.ceil(empty.length / 8) * 8 + inside.length);
      bytes.set(empty);
      bytes.set(inside, bytes.length - inside.length);
      const view = new DataView(bytes.buffer);
      const entry = HEADER_BYTES + NAMES.indexOf('warningLists') * SECTION_ENTRY_BYTES;
      view.setUint32(entry + 8, bytes.length - inside.length, true);
      view.setUint32(entry + 12, inside.length, true);
      view.setUint32(HEADER.length * 4, bytes.length, true);
      return sealed(bytes);
    };
    assert.equal(openSnapshot(nested(empty), crc32).stat.warningLists.length, 0);
    refuses(nested(nested(empty)), 'inconsistent', /warning lists in warning lists/);
    let deep = empty;
    for (let i = 0; i < 3000; i++) deep = nested(deep);
    refuses(deep, 'inconsistent', /warning lists in warning lists/);
  });

  it('is of a version that this reader does not know', () => {
    for (const version of [0, 1, 4, 0xffff_ffff]) {
      refuses(
        edited((view) => view.setUint32(HEADER.version * 4, version, true)),
        'unsupportedVersion',
        new RegExp(`found ${version}`),
      );
    }
  });

  it('has a table behind its end', () => {
    refuses(
      edited((view) => view.setUint32(HEADER.sections * 4, 0x0fff_ffff, true)),
      'inconsistent',
      /table/,
    );
  });

  it('lacks a section', () => {
    refuses(
      edited((view) => view.setUint32(HEADER.sections * 4, 16, true)),
      'inconsistent',
      /no section details/,
    );
  });

  it('has a section twice', () => {
    refuses(
      edited((view) => view.setUint32(entryOf('details'), SECTION.feeds, true)),
      'inconsistent',
      /feeds twice/,
    );
  });

  it('requires a section that this reader does not know', () => {
    refuses(
      edited((view) => view.setUint32(entryOf('details'), 99, true)),
      'unknownSection',
      /99/,
    );
  });

  it('has a section off its boundary, before another or behind the end', () => {
    const at = entryOf('members') + 8;
    for (const offset of [offsetOf('members') + 4, offsetOf('feeds'), 0x7fff_fff8, 0xffff_fff8]) {
      refuses(
        edited((view) => view.setUint32(at, offset, true)),
        'inconsistent',
        /section/,
      );
    }
  });

  for (const name of ['ipv4Index', 'ipv4RangeIndex', 'ipv6Index', 'ipv6RangeIndex'] as const) {
    const first = offsetOf(name);
    const last = first + lengthOf(name) - 4;

    it(`has an ${name} that begins late, ends elsewhere, runs backwards or has another size`, () => {
      refuses(
        edited((view) => view.setUint32(first, 1, true)),
        'inconsistent',
        /Index/,
      );
      refuses(
        edited((view) => view.setUint32(last, 1e9, true)),
        'inconsistent',
        /Index/,
      );
      refuses(
        edited((view) => view.setUint32(first + 4, 1e9, true)),
        'inconsistent',
        /backwards/,
      );
      refuses(
        edited((view) => view.setUint32(entryOf(name) + 12, lengthOf(name) - 4, true)),
        'inconsistent',
        /ndex/,
      );
    });
  }

  for (const name of [
    'ipv4Addresses',
    'ipv4Sets',
    'ipv4RangeStarts',
    'ipv4RangeSets',
    'ipv6Addresses',
    'ipv6Sets',
    'ipv6RangeStarts',
    'sets',
    'members',
    'provenances',
  ] as const) {
    it(`has a section ${name} of another length than its neighbours`, () => {
      const shorter = lengthOf(name) - 1;
      refuses(
        edited((view) => view.setUint32(entryOf(name) + 12, shorter, true)),
        'inconsistent',
      );
    });
  }

  it('has ranges that do not begin at the first address', () => {
    refuses(
      edited((view) => view.setUint32(offsetOf('ipv4RangeStarts'), 1, true)),
      'inconsistent',
      /ranges begin late/,
    );
    refuses(
      edited((view) => view.setUint32(offsetOf('ipv6RangeStarts') + 12, 1, true)),
      'inconsistent',
      /ranges begin late/,
    );
    // The first range is not in the first bucket: a search there would end before the first range.
    refuses(
      edited((view) => view.setUint32(offsetOf('ipv4RangeIndex') + 4, 0, true)),
      'inconsistent',
      /ranges begin late/,
    );
  });

  it('has ranges in no order', () => {
    for (const [name, step] of [
      ['ipv4RangeStarts', 4],
      ['ipv6RangeStarts', 16],
    ] as const) {
      refuses(
        edited((_, bytes) =>
          bytes.copyWithin(
            offsetOf(name) + 2 * step,
            offsetOf(name) + step,
            offsetOf(name) + 2 * step,
          ),
        ),
        'inconsistent',
        /ranges are in no order/,
      );
    }
  });

  it('counts other addresses in its header', () => {
    refuses(
      edited((view) => view.setUint32(HEADER.ipv4Addresses * 4, 2, true)),
      'inconsistent',
      /blocks of 10 words/,
    );
    refuses(
      edited((view) => view.setUint32(HEADER.ipv6Addresses * 4, 2, true)),
      'inconsistent',
      /IPv6 addresses/,
    );
  });

  it('has feeds that are no list, no objects, or lack a name', () => {
    for (const json of [
      '{}',
      '[1]',
      '[{}]',
      '[{"name":1,"indicators":1}]',
      '[',
      '[{"name":"x"}]',
    ]) {
      refuses(
        edited((_, bytes) => {
          bytes.fill(0x20, offsetOf('feeds'), offsetOf('feeds') + lengthOf('feeds'));
          bytes.set(new TextEncoder().encode(json), offsetOf('feeds'));
        }),
        'inconsistent',
      );
    }
  });

  describe('found on a hit', () => {
    const inconsistentOnHit = (bytes: Uint8Array) => {
      const snapshot = openSnapshot(bytes, crc32);
      assert.equal(snapshot.hasIpv4(0xc000_0201), true);
      assert.throws(() => snapshot.matchesOfIpv4(0xc000_0201), { code: 'inconsistent' });
    };
    let set: number; // where the set of 192.0.2.1 stands
    before(() => {
      set = offsetOf('sets') + 16 * small[offsetOf('ipv4Sets')]!;
    });

    it('has a set that does not exist', () => {
      inconsistentOnHit(edited((_, bytes) => (bytes[offsetOf('ipv4Sets')] = 200)));
    });

    it('has a set that is its own parent, or longer than an address, or of members behind the end', () => {
      inconsistentOnHit(edited((view) => view.setUint32(set, small[offsetOf('ipv4Sets')]!, true)));
      inconsistentOnHit(edited((view) => view.setUint32(set + 4, 33, true)));
      inconsistentOnHit(edited((view) => view.setUint32(set + 12, 0xffff_ffff, true)));
    });

    it('has a member without provenance', () => {
      const first = new DataView(small.buffer).getUint32(set + 8, true);
      inconsistentOnHit(
        edited((view) => view.setUint32(offsetOf('members') + 4 * first, 77, true)),
      );
    });

    it('has a provenance without feed, or a detail behind the end', () => {
      const provenances = offsetOf('provenances');
      inconsistentOnHit(edited((view) => view.setUint32(provenances, 9, true)));
      inconsistentOnHit(edited((view) => view.setUint32(provenances + 8, 0xffff_ffff, true)));
    });

    it('has a detail that is not what a detail is', () => {
      const first = offsetOf('details');
      const text = new TextDecoder().decode(small.subarray(first, first + lengthOf('details')));
      for (const [from, to] of [
        ['["x"', '[777'],
        ['["x"', '{"x"'],
        [',[],', ',12,'],
        ['null,null,null', 'null,null,"ab"'],
        ['null,null,null', '"12", null,111'],
        ['[],null,null,null]', '[],1234,null,null]'],
        ['[],null,null,null]', '[],null,"ab",null]'],
        ['[],null,null,null]', '[],null,null,"ab"]'],
      ] as const) {
        const at = text.indexOf('["x"');
        const broken = text.slice(0, at) + text.slice(at).replace(from, to);
        assert.equal(broken.length, text.length);
        assert.notEqual(broken, text);
        inconsistentOnHit(edited((_, bytes) => bytes.set(new TextEncoder().encode(broken), first)));
      }
    });
  });
});

describe('the warning lists inside a snapshot', () => {
  const warned = buildSnapshot([
    threats('list.txt', listed('192.0.2.1')),
    warningList('resolvers', '192.0.2.1'),
  ]);
  const outer = new DataView(warned.buffer);
  const inner = outer.getUint32(entryOf('warningLists') + 8, true);

  it('are checked as the file around them is', () => {
    const torn = warned.slice();
    torn[inner + 100]! ^= 1;
    refuses(sealed(torn), 'corrupt');
    const foreign = warned.slice();
    foreign[inner]! ^= 1;
    refuses(sealed(foreign), 'foreign');
  });

  it('must be there, if only empty, from version 2 on', () => {
    const renamed = warned.slice();
    new DataView(renamed.buffer).setUint32(entryOf('warningLists'), 98, true);
    new DataView(renamed.buffer).setUint32(entryOf('warningLists') + 4, 0, true);
    refuses(sealed(renamed), 'inconsistent', /no section warningLists/);
  });
});

describe('a section that this reader does not know', () => {
  it('is skipped if the file does not require it', () => {
    const count = NAMES.length;
    const grown = new Uint8Array(small.length + 64);
    const view = new DataView(grown.buffer);
    // One more entry moves every section back by sixteen bytes; the new one stands last.
    grown.set(small.subarray(0, tableEnd));
    grown.set(small.subarray(tableEnd), tableEnd + SECTION_ENTRY_BYTES);
    for (let i = 0; i < count; i++) {
      const at = HEADER_BYTES + i * SECTION_ENTRY_BYTES + 8;
      view.setUint32(at, view.getUint32(at, true) + SECTION_ENTRY_BYTES, true);
    }
    const offset = Math.ceil((small.length + SECTION_ENTRY_BYTES) / 8) * 8;
    for (const [word, value] of [99, 0, offset, 8].entries())
      view.setUint32(tableEnd + 4 * word, value, true);
    view.setUint32(HEADER.sections * 4, count + 1, true);
    view.setUint32(HEADER.length * 4, grown.length, true);
    const snapshot = openSnapshot(sealed(grown), crc32);
    assert.equal(snapshot.matchesOfIpv4(0xc000_0201).length, 3);
  });
});
