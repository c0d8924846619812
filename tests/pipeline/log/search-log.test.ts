import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { covers } from '../../../shared/domain/alert/position.ts';
import { readRows } from '../../../shared/format/activity-log/block.ts';
import {
  type LogSearch,
  type SearchedStretch,
  closingOf,
  noCost,
  searchLog,
} from '../../../shared/pipeline/log/search-log.ts';
import type { LogPlace } from '../../../shared/pipeline/log/read-log.ts';
import { IngestWorld, MINUTE, START, STREAM } from '../../support/ingest-world.ts';

const PARTITION = { stream: STREAM, partition: '0' };
const WANTED = 0xc000_0207; // 192.0.2.7
const HOUR = 60 * MINUTE;

/** One message a block, each to one address; four blocks a file, or a new file with a new hour. */
async function logOf(messages: readonly { to: string; at: number }[]): Promise<IngestWorld> {
  const world = new IngestWorld({ maxFileBlocks: 4 });
  const instance = world.instance();
  for (const { to, at } of messages) {
    for (const event of world.send({ connections: [{ remote: to }], at })) {
      await instance.deliver([event]);
    }
  }
  return world;
}

const search = (fields: Partial<LogSearch> = {}): LogSearch => ({
  mayHold: ({ ipv4 }) => ipv4.includes(WANTED),
  since: 0,
  beforeSnapshot: null,
  ...fields,
});

async function searched(
  world: IngestWorld,
  question: LogSearch,
  from: { place: LogPlace | null; begun: boolean } = { place: null, begun: false },
  cost = noCost(),
) {
  const stretches: SearchedStretch[] = [];
  const found = searchLog(world.log, PARTITION, from, question, cost, codec);
  for (let next = await found.next(); ; next = await found.next()) {
    if (next.done === true) return { stretches, cost, metNewer: next.value.metNewer };
    stretches.push(next.value);
  }
}

/** Sequence numbers of the messages in unpacked blocks. */
const unpacked = (stretches: readonly SearchedStretch[]) =>
  stretches.flatMap(({ block }) => (block === null ? [] : [block.header.fromSequence]));

describe('searching the log', () => {
  it('unpacks every block that holds an address, and considers every other', async () => {
    const address = fc.constantFrom('192.0.2.7', '192.0.2.8', '2001:db8::7');
    const message = fc.record({ to: address, step: fc.constantFrom(1000, 30 * MINUTE, HOUR) });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 14 }), async (list) => {
        let at = START;
        const messages = list.map(({ to, step }) => ({ to, at: (at += step) }));
        const world = await logOf(messages);
        const { stretches, cost } = await searched(world, search());
        const holding = messages.flatMap(({ to }, i) => (to === '192.0.2.7' ? [i] : []));
        // Blocks of files that were not left out are looked at one by one; what they hold is theirs alone.
        assert.deepEqual(unpacked(stretches), holding);
        assert.equal(cost.blocks, list.length);
        assert.equal(cost.blocks - cost.blocksSkipped, holding.length);
        for (const i of list.keys()) {
          assert.ok(stretches.some(({ range }) => covers(range!, { epoch: 0, sequence: i })));
        }
        // From any place between two stretches the search goes on as if it had not stopped.
        for (const [i, { place }] of stretches.entries()) {
          const rest = await searched(world, search(), { place, begun: true });
          assert.deepEqual(rest.stretches, stretches.slice(i + 1));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('reads only the end of a file that its closing block rules out', async () => {
    const world = await logOf(
      Array.from({ length: 4 * 6 + 1 }, (_, i) => ({
        to: i === 9 ? '192.0.2.7' : '192.0.2.8',
        at: START + i,
      })),
    );
    const { stretches, cost } = await searched(world, search());
    assert.deepEqual([cost.filesSkipped, cost.blocks, cost.blocksSkipped], [5, 25, 24]);
    assert.deepEqual(unpacked(stretches), [9]);
    const none = await searched(world, search({ mayHold: () => false }));
    assert.deepEqual([none.cost.filesSkipped, none.cost.blocksSkipped], [6, 25]);
  });

  it('begins with the first block that reaches a time, and leaves out none behind it', async () => {
    const times = [0, 1, 2, 90, 3, 91].map((minutes) => START + minutes * MINUTE);
    const world = new IngestWorld({ maxFileBlocks: 2 });
    const instance = world.instance();
    for (const hubTime of times) {
      const connections = [{ remote: '192.0.2.7' }];
      await instance.deliver(world.send({ connections, hubTime }));
    }
    const { stretches } = await searched(world, search({ since: START + HOUR }));
    assert.deepEqual(unpacked(stretches), [3, 4, 5]);
    const considered = stretches.find(({ range }) => range !== null);
    assert.deepEqual(considered!.range!.from, { epoch: 0, sequence: 3 });
    // What lies before need not be read again.
    const { place } = stretches[0]!;
    assert.equal(stretches[0]!.range, null);
    const rest = await searched(world, search({ since: START + HOUR }), { place, begun: false });
    assert.deepEqual(unpacked(rest.stretches), [3, 4, 5]);
  });

  it('ends before the first block that was matched with the snapshot or a newer one', async () => {
    const world = new IngestWorld({ maxFileBlocks: 2, snapshotFreshMs: 1 });
    const instance = world.instance();
    const connections = [{ remote: '192.0.2.7' }];
    for (const listed of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      await world.list(listed);
      for (const event of world.send({ connections }, { connections }, { connections })) {
        await instance.deliver([event]);
      }
    }
    const older = async (beforeSnapshot: number) => {
      const { stretches, metNewer } = await searched(world, search({ beforeSnapshot }));
      return [unpacked(stretches), metNewer];
    };
    assert.deepEqual(await older(1), [[], true]);
    assert.deepEqual(await older(2), [[0, 1, 2], true]);
    assert.deepEqual(await older(3), [[0, 1, 2, 3, 4, 5], true]);
    assert.deepEqual(await older(4), [[0, 1, 2, 3, 4, 5, 6, 7, 8], false]);
    const ruledOut = { mayHold: () => false, beforeSnapshot: 2 };
    assert.equal((await searched(world, search(ruledOut))).metNewer, true);
  });

  it('reads a file whole where another writer took over in it', async () => {
    const world = new IngestWorld({ maxFileBlocks: 4 });
    const [first, second] = [world.instance(), world.instance({}, 'II')];
    const connections = [{ remote: '192.0.2.8' }];
    const events = world.send(...Array.from({ length: 9 }, () => ({ connections })));
    for (const [i, event] of events.entries()) await (i === 2 ? second : first).deliver([event]);
    const files = await world.log.files(PARTITION);
    const closings = [];
    for (const file of files) closings.push(await closingOf(world.log, PARTITION, file, codec));
    assert.deepEqual(
      closings.map((closing) => closing?.summary.last.sequence ?? null),
      [null, 7, null],
    );
    const { cost } = await searched(world, search());
    assert.deepEqual([cost.filesSkipped, cost.blocks, cost.blocksSkipped], [1, 9, 9]);
  });

  it('unpacks nothing for an address that only a device itself has', async () => {
    const world = new IngestWorld();
    const instance = world.instance();
    const connections = [{ remote: '198.51.100.1', local: '192.0.2.7' }];
    await instance.deliver(world.send({ connections }));
    const { stretches } = await searched(world, search());
    assert.deepEqual(unpacked(stretches), []);
    const all = await searched(world, search({ mayHold: () => true }));
    const rows = readRows(all.stretches[0]!.block!, codec);
    assert.equal(rows.connections.local[0], WANTED);
  });
});
