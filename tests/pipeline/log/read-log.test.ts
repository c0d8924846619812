import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MemoryActivityLog } from '../../../shared/adapters/memory/activity-log.ts';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { QUARANTINED } from '../../../shared/format/activity-log/rows.ts';
import { FIRST_FILE } from '../../../shared/pipeline/log/file-name.ts';
import {
  LogDamagedError,
  type LogPlace,
  type PlacedBlock,
  completeFiles,
  readBackward,
  readForward,
} from '../../../shared/pipeline/log/read-log.ts';
import { testRow } from '../../format/activity-log/blocks.ts';
import {
  LogWriter,
  PARTITION,
  type WrittenBlock,
  logPlan,
  mixedListing,
  writeLog,
} from './logs.ts';

type Placed = Pick<WrittenBlock, 'file' | 'offset' | 'header'>;
const placed = ({ file, offset, header }: Placed): Placed => ({ file, offset, header });

async function collect(blocks: AsyncIterable<PlacedBlock>): Promise<Placed[]> {
  const list: Placed[] = [];
  for await (const { block, file, offset } of blocks) {
    list.push({ file, offset, header: block.header });
  }
  return list;
}

const forwards = (log: MemoryActivityLog, from: LogPlace | null = null) =>
  collect(readForward(log, PARTITION, from, codec));
const backwards = async (log: MemoryActivityLog) =>
  collect(readBackward(log, PARTITION, await log.files(PARTITION), codec));

describe('reading a log', () => {
  it('gives every block of every file in order, closing blocks too, and the same backwards', async () => {
    await fc.assert(
      fc.asyncProperty(logPlan, async (plan) => {
        const { log, blocks } = await writeLog(plan);
        const expected = blocks.map(placed);
        assert.deepEqual(await forwards(log), expected);
        assert.deepEqual((await backwards(log)).toReversed(), expected);
      }),
      { numRuns: 40 },
    );
  });

  it('goes on from any place', async () => {
    await fc.assert(
      fc.asyncProperty(logPlan, fc.nat(), async (plan, pick) => {
        const { log, blocks } = await writeLog(plan);
        if (blocks.length === 0) return;
        const index = pick % blocks.length;
        const { file, offset } = blocks[index]!;
        assert.deepEqual(await forwards(log, { file, offset }), blocks.slice(index).map(placed));
      }),
      { numRuns: 40 },
    );
  });

  it('gives nothing at the end, and what came since the next time', async () => {
    const writer = new LogWriter();
    await writer.create();
    await writer.append([testRow()]);
    const [{ sizeBytes } = { sizeBytes: 0 }] = await writer.log.files(PARTITION);
    const end = { file: FIRST_FILE, offset: sizeBytes };
    assert.deepEqual(await forwards(writer.log, end), []);
    await writer.append([testRow()]);
    assert.deepEqual(await forwards(writer.log, end), [placed(writer.blocks[1]!)]);
  });

  it('begins with the oldest file that is left when retention took the one of its place', async () => {
    const writer = new LogWriter();
    await writer.create();
    await writer.close('20260822T13-000000.log');
    await writer.open('20260822T13-000000.log', '20260822T13');
    await writer.append([testRow()]);
    const gone: LogPlace = { file: '20260822T09-000000.log', offset: 500 };
    assert.deepEqual(await forwards(writer.log, gone), [placed(writer.blocks[1]!)]);
  });

  it('finds blocks that are larger than what it reads at once', async () => {
    const writer = new LogWriter();
    await writer.create();
    const sizes = [10, 300_000, 5_000_000, 10, 17_000_000, 4_194_304, 10];
    for (const size of sizes) {
      const row = testRow({ kind: QUARANTINED, deviceTimeSeconds: 0 });
      await writer.append([{ ...row, refused: { reason: 'large', raw: [...randomBytes(size)] } }]);
    }
    const expected = writer.blocks.map(placed);
    assert.deepEqual(await forwards(writer.log), expected);
    assert.deepEqual((await backwards(writer.log)).toReversed(), expected);
  });
});

describe('a listing that mixes before and after', () => {
  it('hides no block of a file that has a successor', async () => {
    const { log, blocks } = await mixedListing();
    assert.deepEqual(await forwards(log), blocks.map(placed));
  });

  it('is asked for again, and only when there is a successor', async () => {
    const { log } = await mixedListing();
    const files = await completeFiles(log, PARTITION);
    assert.equal(log.lists, 2);
    assert.ok(files[0]!.sizeBytes > log.oldSize);
    await completeFiles(log, PARTITION, '20260822T13-000000.log');
    assert.equal(log.lists, 3);
  });
});

describe('a damaged log', () => {
  const NAME = FIRST_FILE;

  /** A file of three blocks with its bytes changed. */
  async function damaged(
    change: (bytes: Uint8Array, offsets: readonly number[]) => Uint8Array | void,
  ): Promise<{ log: MemoryActivityLog; offsets: readonly number[] }> {
    const writer = new LogWriter();
    await writer.create();
    for (let i = 0; i < 3; i++) await writer.append([testRow()]);
    const [file] = await writer.log.files(PARTITION);
    const bytes = await writer.log.read(PARTITION, NAME, 0, file!.sizeBytes);
    const offsets = writer.blocks.map((block) => block.offset);
    const log = new MemoryActivityLog();
    await log.create(PARTITION, NAME);
    await log.append(PARTITION, NAME, 0, change(bytes, offsets) ?? bytes);
    return { log, offsets };
  }

  const isDamage = (offset: number, reason: RegExp) => (error: unknown) => {
    assert.ok(error instanceof LogDamagedError, String(error));
    assert.equal(error.code, 'LOG_DAMAGED');
    assert.ok(
      error.message.startsWith(`activity log test~devices/0/${NAME} at byte ${offset}: `),
      `${error.message}, expected at ${offset}`,
    );
    assert.match(error.message, reason);
    return true;
  };

  it('names the file and where in it, whichever way it is read', async () => {
    const { log, offsets } = await damaged((bytes, [, second = 0]) => {
      bytes[second + 30]! ^= 1;
    });
    await assert.rejects(forwards(log), isDamage(offsets[1]!, /checksum/));
    await assert.rejects(backwards(log), isDamage(offsets[1]!, /checksum/));
  });

  it('gives the blocks before the damage first', async () => {
    const { log } = await damaged((bytes, [, second = 0]) => {
      bytes[second + 30]! ^= 1;
    });
    let read = 0;
    await assert.rejects(async () => {
      for await (const _ of readForward(log, PARTITION, null, codec)) read++;
    }, LogDamagedError);
    assert.equal(read, 1);
  });

  it('that ends inside a block is refused', async () => {
    const { log, offsets } = await damaged((bytes) => bytes.slice(0, -9));
    await assert.rejects(forwards(log), isDamage(offsets[2]!, /ends inside a block/));
    await assert.rejects(backwards(log), LogDamagedError);
  });

  it('that begins inside a block is refused', async () => {
    const { log } = await damaged((bytes) => bytes.slice(9));
    await assert.rejects(forwards(log), isDamage(0, /do not begin with the magic/));
    await assert.rejects(backwards(log), LogDamagedError);
    const stub = await damaged((bytes) => bytes.slice(-5));
    await assert.rejects(backwards(stub.log), isDamage(5, /begins inside a block/));
  });

  it('whose trailer would skip a block is refused: the checksum does not cover trailers', async () => {
    const { log, offsets } = await damaged((bytes, [, second = 0, third = 0]) => {
      new DataView(bytes.buffer).setUint32(bytes.length - 8, bytes.length - second, true);
      new DataView(bytes.buffer).setUint32(third + 4, bytes.length - third, true);
    });
    await assert.rejects(backwards(log), isDamage(offsets[1]!, /trailer disagree/));
  });

  it('whose trailer says that its block is empty is refused, and does not end in a loop', async () => {
    const { log, offsets } = await damaged((bytes, [, , third = 0]) => {
      new DataView(bytes.buffer).setUint32(third - 8, 0, true);
    });
    await assert.rejects(backwards(log), isDamage(offsets[2]!, /a trailer says/));
    await assert.rejects(forwards(log), isDamage(offsets[1]!, /trailer/));
  });

  it('is refused for any changed byte, both ways', async () => {
    const sample = await damaged(() => undefined);
    const [file] = await sample.log.files(PARTITION);
    const all = await forwards(sample.log);
    assert.equal(all.length, 3);
    for (let at = 0; at < file!.sizeBytes; at += 3) {
      const { log } = await damaged((bytes) => {
        bytes[at]! ^= 0x55;
      });
      await assert.rejects(forwards(log), LogDamagedError, `byte ${at}`);
      await assert.rejects(backwards(log), LogDamagedError, `byte ${at}`);
    }
  });
});
