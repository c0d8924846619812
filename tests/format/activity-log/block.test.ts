import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { formatAddress, parseAddress } from '../../../shared/domain/address/address.ts';
import {
  type Block,
  encodeBlock,
  encodeClosingBlock,
  readBlock,
  readRows,
  startOfBlockEndingAt,
} from '../../../shared/format/activity-log/block.ts';
import type { CloseHeader, DataHeader } from '../../../shared/format/activity-log/header.ts';
import {
  BlockFormatError,
  CRC_AT,
  HEADER_LENGTH_AT,
  LENGTH_AT,
  MAX_BLOCK_BYTES,
  MAX_ROWS_BYTES,
  PREFIX_BYTES,
  REMOTES_LENGTH_AT,
  TRAILER_BYTES,
  VERSION_AT,
} from '../../../shared/format/activity-log/layout.ts';
import { decodeRemoteAddresses } from '../../../shared/format/activity-log/remote-addresses.ts';
import { QUARANTINED } from '../../../shared/format/activity-log/rows.ts';
import { type TestRow, fromRows, headerFor, testRow, testRows, toRows } from './blocks.ts';

const blockOf = (rows: readonly TestRow[], fields: Partial<DataHeader> = {}) =>
  encodeBlock(headerFor(rows, fields), toRows(rows), codec);
const rowsIn = (block: Block | null) => {
  assert.ok(block?.header.kind === 'data');
  return fromRows(readRows({ ...block, header: block.header }, codec));
};
const refused = (bytes: Uint8Array, reason?: RegExp) =>
  assert.throws(
    () => readBlock(bytes, 0, codec),
    (error) => error instanceof BlockFormatError && (reason?.test(error.message) ?? true),
  );

const SMALL: readonly TestRow[] = [
  testRow(),
  testRow({
    kind: QUARANTINED,
    deviceTimeSeconds: 0,
    refused: { reason: 'truncated', raw: [1, 2, 3] },
  }),
];
const CLOSE: CloseHeader = {
  kind: 'close',
  index: 1,
  hour: '20260822T12',
  writer: 'writer-1',
  next: '20260822T12-000000.log',
  summary: {
    first: { epoch: 0, sequence: 0 },
    last: { epoch: 1, sequence: 7 },
    firstHubTime: 1_787_400_000_000,
    lastHubTime: 1_787_400_060_000,
    lastSnapshot: 3,
  },
};
const OF_FILE = {
  ipv4: Uint32Array.of(0, 1, 0xc000_0201, 0xffff_ffff),
  ipv6: Uint32Array.of(0, 0, 0xffff, 0xc000_0201, 0x2001_0db8, 0, 0, 1),
};
const closing = (header: CloseHeader = CLOSE) => encodeClosingBlock(header, OF_FILE, codec);

/** A data block and a closing block as version 1 wrote them: without remote addresses and summary. */
const VERSION_1 = Buffer.from(
  [
    'VFdCMXYDAAD4BtkHAQAAAA4CAAB7ImtpbmQiOiJkYXRhIiwiaW5kZXgiOjAsImhvdXIiOiIyMDI2MDgyMlQxMiIs',
    'IndyaXRlciI6IndyaXRlci0xIiwic3RyZWFtIjoidGVzdH5kZXZpY2VzIiwicGFydGl0aW9uIjoiMCIsImVwb2No',
    'IjowLCJlcG9jaFN0YXJ0IjoiMjAyNi0wOC0yMlQxMjowMDowMC4wMDBaIiwiZnJvbVNlcXVlbmNlIjowLCJ0b1Nl',
    'cXVlbmNlIjowLCJsb3N0IjpudWxsLCJmaXJzdEVucXVldWVkVGltZSI6IjIwMjYtMDgtMjJUMTI6MDA6MDAuMTAw',
    'WiIsImxhc3RFbnF1ZXVlZFRpbWUiOiIyMDI2LTA4LTIyVDEyOjAwOjAwLjEwMFoiLCJmaXJzdEh1YlRpbWUiOiIy',
    'MDI2LTA4LTIyVDEyOjAwOjAwLjAwMFoiLCJsYXN0SHViVGltZSI6IjIwMjYtMDgtMjJUMTI6MDA6MDAuMDAwWiIs',
    'InNuYXBzaG90Ijp7Im9yZGluYWwiOjMsImlkIjoic25hcHNob3QtMyJ9LCJncm91cHNSZXZpc2lvbiI6MCwicm93',
    'cyI6eyJjb3VudGVkIjoxLCJyZXBlYXRzIjowLCJxdWFyYW50aW5lZCI6MCwib3RoZXIiOjB9LCJjb25uZWN0aW9u',
    'cyI6MiwiZmluZGluZ3MiOjF9KLUv/WDBABUKAFbSQjZwVdMB/LlAqtNPjNnI/1teAXJPqJW95akvqeKExJ20yZa7',
    '+MS839zvRirJ5jOXnB4ORmiTLVMxADIAMgCVp16t/qcJnoHI0AWJd/l+8YMVxdnTLDbGD0KuU4tXS35zav+4YlBV',
    'FGdt+daSO1GANXtqzY6I83pqTa/vsKGYgvQZN36Qa9aVMY1mFEvnTlVR3Na39K35QUh5XJksE2WyIAQeCD0cvxpj',
    'kK2xatzw4xob07xP8OPKqRPFsvvixxfLAYXi1mbc2npvkF0znxSz1veIBY/dXTeZSCQO5EAfzAfziNzuRqQoIsAI',
    'ARAwcHngrNvQWFyEOjjWuc0QcAURF62GBNmKARHIrkSSAhQAYEtwTiUCsppDNN/+zWhjk3gXMoISRDJZYYQpEFKT',
    'lOYNjpJQMCNr6XiCQJayGuWzUgd2AwAAVFdCRVRXQjF/AAAA+mPqbwEAAABjAAAAeyJraW5kIjoiY2xvc2UiLCJp',
    'bmRleCI6MSwiaG91ciI6IjIwMjYwODIyVDEyIiwid3JpdGVyIjoid3JpdGVyLTEiLCJuZXh0IjoiMjAyNjA4MjJU',
    'MTItMDAwMDAwLmxvZyJ9fwAAAFRXQkU=',
  ].join(''),
  'base64',
);

/** The block with some bytes changed and a checksum that holds again. */
function forged(block: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const bytes = block.slice();
  const view = new DataView(bytes.buffer);
  change(view);
  view.setUint32(CRC_AT, codec.crc32(bytes.subarray(VERSION_AT, -TRAILER_BYTES)), true);
  return bytes;
}

const nonEmptyRows = testRows.filter((rows) => rows.length > 0);

describe('a block', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(nonEmptyRows, (rows) => {
        const header = headerFor(rows, { fromSequence: 40, toSequence: 39 + rows.length });
        const bytes = encodeBlock(header, toRows(rows), codec);
        const block = readBlock(bytes, 0, codec);
        assert.equal(block?.lengthBytes, bytes.length);
        assert.deepEqual(block.header, header);
        assert.deepEqual(rowsIn(block), rows);
      }),
      { numRuns: 60 },
    );
  });

  it('stands where it stands: among others, in a view of a larger buffer', () => {
    const [first, second] = [blockOf(SMALL), blockOf(SMALL, { fromSequence: 2, toSequence: 3 })];
    const buffer = Buffer.concat([Buffer.alloc(5), first, second]);
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset + 5, buffer.length - 5);
    const block = readBlock(bytes, first.length, codec);
    assert.equal(block?.header.kind === 'data' && block.header.fromSequence, 2);
    assert.deepEqual(rowsIn(block), SMALL);
  });

  it('closes a file without rows', () => {
    const block = readBlock(closing(), 0, codec);
    assert.deepEqual(block?.header, CLOSE);
    assert.equal(block.packedRows.length, 0);
    assert.deepEqual(decodeRemoteAddresses(block.remotes!), OF_FILE);
    const unknown = readBlock(closing({ ...CLOSE, summary: null }), 0, codec);
    assert.equal(unknown?.remotes, null);
  });

  it('shows the addresses that its rows name, each once and in order', () => {
    const to = (remote: string, local = '10.0.0.5') => ({
      local: parseAddress(local)!,
      remote: parseAddress(remote)!,
      localPort: 1,
      remotePort: 2,
      bytesIn: 3,
      bytesOut: 4,
      protocol: 0,
    });
    const v6 = (remote: string) => to(remote, 'fe80::5');
    const rows = [
      testRow({ connections: [to('203.0.113.9'), v6('2001:db8::2'), to('192.0.2.1')] }),
      testRow({ connections: [to('192.0.2.1'), v6('::ffff:192.0.2.1'), v6('2001:db8::2')] }),
    ];
    const { remotes } = readBlock(blockOf(rows), 0, codec)!;
    assert.deepEqual(decodeRemoteAddresses(remotes!), {
      ipv4: Uint32Array.of(0xc000_0201, 0xcb00_7109),
      ipv6: Uint32Array.of(0, 0, 0xffff, 0xc000_0201, 0x2001_0db8, 0, 0, 2),
    });
    assert.deepEqual(rowsIn(readBlock(blockOf(rows), 0, codec)), rows);
  });

  it('is read as version 1 wrote it', () => {
    const data = readBlock(VERSION_1, 0, codec);
    assert.equal(data?.remotes, null);
    const [row] = rowsIn(data);
    assert.deepEqual(
      row!.connections.map(({ remote }) => formatAddress(remote)),
      ['192.0.2.1', '2001:db8::1'],
    );
    assert.equal(row!.findings[0]!.finding.address, '192.0.2.1');
    const close = readBlock(VERSION_1, data.lengthBytes, codec);
    assert.deepEqual(close?.header, { ...CLOSE, summary: null });
    assert.equal(close.remotes, null);
    assert.equal(data.lengthBytes + close.lengthBytes, VERSION_1.length);
  });

  it('is read on and on, one after the other', () => {
    fc.assert(
      fc.property(fc.array(nonEmptyRows, { maxLength: 6 }), (list) => {
        const blocks = list.map((rows, index) => blockOf(rows, { index }));
        const bytes = Buffer.concat(blocks);
        const forwards: number[] = [];
        for (let at = 0; at < bytes.length; at += readBlock(bytes, at, codec)!.lengthBytes) {
          forwards.push(at);
        }
        const backwards: number[] = [];
        for (let end = bytes.length; end > 0; end = backwards.at(-1)!) {
          backwards.push(startOfBlockEndingAt(bytes, end)!);
        }
        assert.equal(forwards.length, list.length);
        assert.deepEqual(backwards.toReversed(), forwards);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a block that is not all there', () => {
  it('asks for more bytes, wherever it is cut', () => {
    for (const block of [blockOf(SMALL), closing()]) {
      for (let end = 0; end < block.length; end++) {
        assert.equal(readBlock(block.subarray(0, end), 0, codec), null, `cut at ${end}`);
      }
    }
  });

  it('has no beginning before the first bytes', () => {
    const block = blockOf(SMALL);
    for (let length = 0; length < TRAILER_BYTES; length++) {
      assert.equal(startOfBlockEndingAt(block.subarray(block.length - length), length), null);
    }
    const tail = block.subarray(20);
    assert.equal(startOfBlockEndingAt(tail, tail.length), -20);
  });
});

describe('a damaged block', () => {
  it('is refused for any changed byte', () => {
    const block = blockOf(SMALL);
    for (let at = 0; at < block.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const bytes = block.slice();
        bytes[at]! ^= flip;
        let read: Block | null = null;
        try {
          read = readBlock(bytes, 0, codec);
        } catch (error) {
          assert.ok(error instanceof BlockFormatError, `byte ${at}: ${String(error)}`);
          continue;
        }
        // A longer length: the bytes end before it. Nothing is read in any case.
        assert.equal(read, null, `byte ${at}`);
        assert.ok(at >= LENGTH_AT && at < LENGTH_AT + 4, `byte ${at}`);
      }
    }
  });

  it('is refused or read within bounds when its checksum was made to fit', () => {
    const block = blockOf([...SMALL, ...Array.from({ length: 20 }, () => testRow())]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(block.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (changes) => {
          const bytes = forged(block, (view) => {
            for (const [at, value] of changes) view.setUint8(at, value);
          });
          try {
            const read = readBlock(bytes, 0, codec);
            if (read === null || read.header.kind === 'close') return;
            const rows = readRows({ ...read, header: read.header }, codec);
            assert.equal(rows.count, read.header.toSequence - read.header.fromSequence + 1);
          } catch (error) {
            assert.ok(error instanceof BlockFormatError, String(error));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is refused for random bytes behind a magic that is right', () => {
    const block = blockOf(SMALL);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 300 }), (bytes) => {
        bytes.set(block.subarray(0, LENGTH_AT));
        new DataView(bytes.buffer).setUint32(LENGTH_AT, bytes.length, true);
        refused(bytes);
      }),
    );
  });

  it('is refused for another magic at either end', () => {
    const block = blockOf(SMALL);
    refused(Buffer.concat([Buffer.from('TWB2'), block.subarray(4)]), /do not begin with the magic/);
    refused(Buffer.concat([block.subarray(0, -4), Buffer.from('TWBF')]), /trailer/);
    const end = block.slice();
    end[end.length - 1] = 0;
    assert.throws(() => startOfBlockEndingAt(end, end.length), /do not end with the magic/);
  });

  it('is refused when its two lengths differ', () => {
    const block = blockOf(SMALL);
    new DataView(block.buffer, block.byteOffset).setUint32(block.length - 8, 60, true);
    refused(block, /trailer/);
  });

  it('is refused for lengths that no block has, before anything is reserved', () => {
    const at = (offset: number, value: number) =>
      forged(blockOf(SMALL), (view) => view.setUint32(offset, value, true));
    refused(at(LENGTH_AT, MAX_BLOCK_BYTES + 1), /a block of 67108865 bytes/);
    refused(at(LENGTH_AT, 0xffff_ffff), /a block of 4294967295 bytes/);
    refused(at(LENGTH_AT, PREFIX_BYTES + TRAILER_BYTES), /trailer/);
    refused(at(REMOTES_LENGTH_AT, 0xffff_ffff), /remote addresses of 4294967295/);
    refused(at(HEADER_LENGTH_AT, 0xffff_ffff), /a header of 4294967295/);
    for (const length of [0, PREFIX_BYTES + TRAILER_BYTES - 1, MAX_BLOCK_BYTES + 1, 0xffff_ffff]) {
      const block = blockOf(SMALL);
      new DataView(block.buffer, block.byteOffset).setUint32(block.length - 8, length, true);
      assert.throws(() => startOfBlockEndingAt(block, block.length), /a trailer says/);
    }
  });

  it('is refused for a version that this reader does not know', () => {
    refused(
      forged(blockOf(SMALL), (view) => view.setUint16(VERSION_AT, 3, true)),
      /format version 3; this reader knows 1 and 2/,
    );
  });

  it('is refused when it has another number of rows than its header says', () => {
    const block = readBlock(blockOf(SMALL, { toSequence: 2 }), 0, codec);
    assert.throws(() => rowsIn(block), /2 rows for the sequence numbers 0 to 2/);
  });

  it('is refused when its rows unpack to more than any writer packs', () => {
    const bomb = codec.compress(new Uint8Array(2 ** 20));
    assert.ok(bomb.length < 200);
    assert.throws(() => codec.decompress(bomb, 2 ** 20 - 1), BlockFormatError);
    assert.equal(codec.decompress(bomb, 2 ** 20).length, 2 ** 20);
  });

  it('is refused when its rows do not unpack', () => {
    const header = headerFor(SMALL);
    const plain = { ...codec, compress: (bytes: Uint8Array) => bytes };
    const block = readBlock(encodeBlock(header, toRows(SMALL), plain), 0, codec);
    assert.throws(() => rowsIn(block), BlockFormatError);
  });
});

describe('a block that no reader would accept', () => {
  it('is not written', () => {
    const huge = { ...codec, compress: () => new Uint8Array(MAX_BLOCK_BYTES) };
    assert.throws(() => encodeBlock(headerFor(SMALL), toRows(SMALL), huge), /exceeds 67108864/);
    const rows = toRows(SMALL);
    rows.encode = () => ({ columns: new Uint8Array(MAX_ROWS_BYTES + 1), remotes: null });
    assert.throws(() => encodeBlock(headerFor(SMALL), rows, codec), /exceed 268435456/);
  });
});
