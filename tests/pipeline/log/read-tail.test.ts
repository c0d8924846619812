import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MemoryActivityLog } from '../../../shared/adapters/memory/activity-log.ts';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import type { DataHeader } from '../../../shared/format/activity-log/header.ts';
import { COUNTED, OTHER } from '../../../shared/format/activity-log/rows.ts';
import { FIRST_FILE } from '../../../shared/pipeline/log/file-name.ts';
import { readTail } from '../../../shared/pipeline/log/read-tail.ts';
import { testRow } from '../../format/activity-log/blocks.ts';
import {
  HASHES,
  LogWriter,
  MINUTE,
  PARTITION,
  START,
  logPlan,
  mixedListing,
  writeLog,
} from './logs.ts';

const tailOf = (log: MemoryActivityLog, recentFrom = START) =>
  readTail(log, PARTITION, recentFrom, codec);

describe('the tail of a log', () => {
  it('tells what was committed last and where the next block goes', async () => {
    await fc.assert(
      fc.asyncProperty(logPlan, fc.nat(40 * MINUTE), async (plan, ago) => {
        const { log, blocks, file, hour } = await writeLog(plan);
        const { place, committed } = await tailOf(log, START + ago);
        const data = blocks.filter(({ header }) => header.kind === 'data');
        const last = data.at(-1)?.header as DataHeader | undefined;
        assert.deepEqual(
          committed,
          last === undefined
            ? null
            : {
                epoch: last.epoch,
                epochStart: last.epochStart,
                toSequence: last.toSequence,
                lastEnqueuedTime: last.lastEnqueuedTime,
                snapshotOrdinal: last.snapshot.ordinal,
                groupsRevision: last.groupsRevision,
              },
        );
        const inFile = blocks.filter((block) => block.file === file);
        const closing = inFile.at(-1)?.header;
        const [newest] = (await log.files(PARTITION)).slice(-1);
        assert.deepEqual(
          place,
          newest === undefined
            ? { file: null, length: 0, blocks: 0, hour: null, next: null }
            : {
                file,
                length: newest.sizeBytes,
                blocks: inFile.length,
                hour,
                next: closing?.kind === 'close' ? closing.next : null,
              },
        );
      }),
      { numRuns: 80 },
    );
  });

  it('knows every body from the asked time on, across files and epochs', async () => {
    await fc.assert(
      fc.asyncProperty(
        logPlan,
        fc.integer({ min: -10 * MINUTE, max: 60 * MINUTE }),
        fc.nat(10 * MINUTE),
        async (plan, after, horizon) => {
          const { log, blocks } = await writeLog(plan);
          const recentFrom = START + after;
          const { recent } = await tailOf(log, recentFrom);
          const bodies = blocks
            .flatMap(({ rows }) => rows)
            .filter((row) => row.kind !== OTHER && !row.repeat && row.hubTime >= recentFrom);
          assert.equal(recent.completeFrom, recentFrom);
          assert.equal(recent.size, bodies.length);
          for (const [low, high] of HASHES) {
            for (let time = recentFrom + horizon; time < START + 70 * MINUTE; time += 3 * MINUTE) {
              assert.equal(
                recent.hasWithin(low, high, time, horizon),
                bodies.some(
                  ({ hashLow, hashHigh, hubTime }) =>
                    hashLow === low && hashHigh === high && Math.abs(hubTime - time) <= horizon,
                ),
              );
            }
          }
        },
      ),
      { numRuns: 80 },
    );
  });

  it('is null where nothing was ever written', async () => {
    const tail = await tailOf(new MemoryActivityLog());
    assert.equal(tail.committed, null);
    assert.deepEqual(tail.place, { file: null, length: 0, blocks: 0, hour: null, next: null });
  });

  it('is the start of the first file when that was created and nothing more', async () => {
    const writer = new LogWriter();
    await writer.create();
    const { place, committed } = await tailOf(writer.log);
    assert.equal(committed, null);
    assert.deepEqual(place, {
      file: FIRST_FILE,
      length: 0,
      blocks: 0,
      hour: '00000000T00',
      next: null,
    });
  });

  it('keeps the hour of an empty file that goes on: no later name may sort before it', async () => {
    const writer = new LogWriter();
    await writer.create();
    await writer.append([testRow()]);
    await writer.close('20260822T14-000003.log');
    await writer.open('20260822T14-000003.log', '20260822T14');
    const { place, committed } = await tailOf(writer.log);
    assert.equal(place.hour, '20260822T14');
    assert.equal(place.file, '20260822T14-000003.log');
    assert.equal(committed?.toSequence, 0);
  });

  it('is not an older one when a listing mixes before and after', async () => {
    const { log } = await mixedListing('emptyNext');
    const { place, committed } = await tailOf(log);
    assert.equal(place.file, '20260822T13-000000.log');
    assert.equal(committed?.toSequence, 1);
  });

  it('reads no further back than it must', async () => {
    const writer = new LogWriter();
    await writer.create();
    for (let i = 0; i < 50; i++) {
      const time = START + i * MINUTE;
      await writer.append([testRow({ enqueuedTime: time, hubTime: time, hashLow: i })]);
    }
    let unpacked = 0;
    const counting = {
      ...codec,
      decompress: (bytes: Uint8Array, max: number) => {
        unpacked++;
        return codec.decompress(bytes, max);
      },
    };
    const { recent } = await readTail(writer.log, PARTITION, START + 45 * MINUTE, counting);
    assert.equal(recent.size, 5);
    assert.equal(unpacked, 5);
  });

  it('knows a body that IoT Hub stamped a little after Event Hubs did', async () => {
    const writer = new LogWriter();
    await writer.create();
    const early = testRow({ kind: COUNTED, enqueuedTime: START, hubTime: START + 5 * MINUTE });
    await writer.append([early]);
    await writer.append([testRow({ enqueuedTime: START + MINUTE, hubTime: START })]);
    const { recent } = await tailOf(writer.log, START + 5 * MINUTE);
    assert.equal(recent.size, 1);
  });
});
