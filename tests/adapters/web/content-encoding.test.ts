import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import * as fc from 'fast-check';
import { unpackersOf } from '../../../shared/adapters/web/content-encoding.ts';
import { zstdFrameCutter } from '../../../shared/format/zstd-frames.ts';

const PACK: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (bytes) => zstdCompressSync(bytes),
};

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(encoding: string, bytes: Uint8Array, size = bytes.length): Promise<Buffer> {
  let body: AsyncIterable<Uint8Array> = pieces(bytes, Math.max(1, size));
  for (const unpack of unpackersOf(encoding) ?? []) body = unpack(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const frame = (text: string, params: Record<number, number> = {}) =>
  zstdCompressSync(Buffer.from(text), { params });
const checked = (text: string) => frame(text, { [constants.ZSTD_c_checksumFlag]: 1 });
const skippable = (content: Buffer) => {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a53, 0);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
};

describe('a Content-Encoding', () => {
  it('is understood in any case, with its aliases, and twice', () => {
    const counts = {
      '': 0,
      identity: 0,
      ' , ': 0,
      GZip: 1,
      'x-gzip': 1,
      'gzip,br': 2,
      'identity, zstd': 1,
    };
    for (const [text, count] of Object.entries(counts)) {
      assert.equal(unpackersOf(text)?.length, count, text);
    }
  });

  it('is refused when unknown or thrice', () => {
    for (const text of [
      'compress',
      'gzip, rot13',
      'utf-8',
      'gzip;q=1',
      '__proto__',
      'gzip,gzip,gzip',
    ]) {
      assert.equal(unpackersOf(text), null, text);
    }
  });

  it('is undone whatever the chunks are, and fails when cut at any byte', async () => {
    const text = Buffer.from(
      Array.from({ length: 40 }, (_, i) => `${(i * 7919) % 1009}\n`).join(''),
    );
    for (const [encoding, pack] of Object.entries(PACK)) {
      const packed = pack(text);
      assert.deepEqual(await unpack(encoding, packed), text);
      assert.deepEqual(await unpack(encoding, packed, 1), text);
      for (let cut = 0; cut < packed.length; cut++) {
        await assert.rejects(
          unpack(encoding, packed.subarray(0, cut)),
          `${encoding} cut at ${cut}`,
        );
      }
    }
  });

  it('is undone from the last to the first', async () => {
    const text = Buffer.from('192.0.2.1\n');
    assert.deepEqual(await unpack('gzip, br', PACK['br']!(gzipSync(text))), text);
    await assert.rejects(unpack('br, gzip', PACK['br']!(gzipSync(text))));
  });

  it('fails over bytes that are something else', async () => {
    for (const encoding of Object.keys(PACK)) {
      await assert.rejects(unpack(encoding, Buffer.from('<html>hello there</html>')), encoding);
    }
    await assert.rejects(unpack('deflate', deflateRawSync(Buffer.from('raw'))));
  });

  it('of several gzip members gives all of them', async () => {
    const two = Buffer.concat([gzipSync('one '), gzipSync('two')]);
    for (const size of [1, 7, two.length])
      assert.equal(String(await unpack('gzip', two, size)), 'one two');
  });

  it('inflates hardly further than it is read', async () => {
    for (const encoding of ['gzip', 'zstd', 'br']) {
      const bomb = PACK[encoding]!(Buffer.alloc(64 << 20));
      const before = process.memoryUsage().arrayBuffers;
      const [unpack] = unpackersOf(encoding)!;
      for await (const chunk of unpack!(pieces(bomb, bomb.length))) {
        assert.ok(chunk.length <= 64 * 1024);
        await wait(30);
        break;
      }
      const grown = process.memoryUsage().arrayBuffers - before;
      assert.ok(grown < 16 << 20, `${encoding} holds ${grown} bytes`);
    }
  });

  it('zstd with a window above 8 MB is refused', async () => {
    // Magic, a descriptor without sizes, a window of 2^27, and an empty last block.
    const wide = Buffer.from('28b52ffd0088010000', 'hex');
    const narrow = Buffer.from('28b52ffd0068010000', 'hex');
    await assert.rejects(unpack('zstd', wide));
    assert.equal((await unpack('zstd', narrow)).length, 0);
  });
});

describe('a zstd body of several frames', () => {
  const frames = [
    checked('first '),
    frame(''),
    frame('x'.repeat(70_000)),
    skippable(Buffer.from('(µ/ý not a frame')),
    skippable(Buffer.alloc(0)),
    frame(Array.from({ length: 400 }, (_, i) => String(i * 7919)).join()),
    frame('streamed', { [constants.ZSTD_c_contentSizeFlag]: 0 }),
    checked('y'.repeat(300)),
  ];
  const body = Buffer.concat(frames);
  const ends = frames.map((_, i) => Buffer.concat(frames.slice(0, i + 1)).length);

  it('is cut behind each frame, whatever the chunks are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: body.length })), (cuts) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), body.length];
        const cut = zstdFrameCutter();
        const found: Uint8Array[] = [];
        for (let i = 1; i < bounds.length; i++) {
          found.push(...cut(body.subarray(bounds[i - 1], bounds[i])));
        }
        assert.deepEqual(Buffer.concat(found), body);
        const expected = new Set([...bounds, ...ends].filter((end) => end > 0));
        const at = found.map((_, i) => Buffer.concat(found.slice(0, i + 1)).length);
        assert.deepEqual(
          at,
          [...expected].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('is unpacked whole, whatever the chunks are', async () => {
    const whole = await unpack('zstd', body);
    assert.match(String(whole), /^first x{70000}0,7919,.*streamedy{300}$/);
    for (const size of [1, 13, 100, 4096])
      assert.deepEqual(await unpack('zstd', body, size), whole);
  });

  it('fails when cut in any frame, or followed by something else', async () => {
    for (const end of ends)
      await assert.rejects(unpack('zstd', body.subarray(0, end - 1)), `${end}`);
    for (const size of [5, 4096]) {
      await assert.rejects(unpack('zstd', Buffer.concat([body, Buffer.from('garbage')]), size));
    }
  });

  it('is left whole where it is no frame', () => {
    const noise = Buffer.from('garbage that goes on and on');
    assert.deepEqual(zstdFrameCutter()(noise), [noise]);
  });
});
