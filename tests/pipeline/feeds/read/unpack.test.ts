import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { unpack } from '../../../../shared/pipeline/feeds/read/unpack.ts';

const list = Buffer.from('45.66.64.1\n'.repeat(20_000));

/** As a pipe may deliver it. */
function inPieces(bytes: Uint8Array, size: number): Readable {
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += size) pieces.push(bytes.subarray(i, i + size));
  return Readable.from(pieces);
}

describe('opening a feed file', () => {
  for (const [packing, bytes] of [
    ['nothing', list],
    ['gzip', gzipSync(list)],
    ['zstd', zstdCompressSync(list)],
    [
      'two zstd frames',
      Buffer.concat([zstdCompressSync(list.subarray(0, 11)), zstdCompressSync(list.subarray(11))]),
    ],
    [
      'two gzip members',
      Buffer.concat([gzipSync(list.subarray(0, 11)), gzipSync(list.subarray(11))]),
    ],
  ] as const) {
    it(`unpacks ${packing}, in pieces of any size`, async () => {
      for (const size of [1, 3, 1000, bytes.length]) {
        if (size === 1 && bytes === list) continue; // 220,000 pieces of nothing new
        assert.deepEqual(await buffer(unpack(inPieces(bytes, size))), list);
      }
    });
  }

  it('gives the few bytes of a file shorter than any mark', async () => {
    for (const text of ['', '1', '::1']) {
      assert.equal((await buffer(unpack(inPieces(Buffer.from(text), 1)))).toString(), text);
    }
  });

  it('stops a bomb at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    await assert.rejects(buffer(unpack(Readable.from([bomb]), 999_999)), { code: 'tooLarge' });
    assert.equal((await buffer(unpack(Readable.from([bomb]), 1_000_000))).length, 1_000_000);
  });

  it('fails if its packing is cut short or damaged', async () => {
    for (const packed of [gzipSync(list), zstdCompressSync(list)]) {
      await assert.rejects(
        buffer(unpack(Readable.from([packed.subarray(0, -5)]))),
        /Z|unexpected|Src/,
      );
      const damaged = Buffer.from(packed);
      damaged.fill(0xff, 12, 30);
      await assert.rejects(buffer(unpack(Readable.from([damaged]))));
    }
  });

  it('closes a source that its reader has left', async () => {
    for (const bytes of [list, gzipSync(list)]) {
      const source = inPieces(bytes, 10);
      for await (const _ of unpack(source)) break;
      // The unpacker lets go of its source a turn later.
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(source.destroyed, true);
    }
  });
});
