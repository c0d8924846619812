// The refresh when its stores fail at every single call, when it is ended there, and when two run at once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RefreshServices } from '../../../../shared/pipeline/feeds/refresh/refresh-feeds.ts';
import { FeedWorld, HOUR, MINUTE, listOf } from '../../../support/feed-world.ts';

const STORES = ['configuration', 'files', 'feeds', 'snapshots', 'checkpoints', 'alerts'] as const;

/** The stores of a world, of which each call first goes through `before`, which may throw or wait. */
function watched(
  services: RefreshServices,
  before: (call: string) => Promise<void>,
  after: (call: string) => Promise<void> = async () => {},
): RefreshServices {
  const wrap = <T extends object>(name: string, store: T): T =>
    new Proxy(store, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          const call = `${name}.${String(property)}`;
          await before(call);
          const result: unknown = await member.apply(target, args);
          await after(call);
          return result;
        };
      },
    });
  const wrapped = STORES.map((name) => [name, wrap(name, services[name])]);
  return { ...services, ...(Object.fromEntries(wrapped) as Partial<RefreshServices>) };
}

/** Two feeds that change, one that fails, one that is held: everything that a run may do. */
async function eventfulWorld(): Promise<FeedWorld> {
  const world = new FeedWorld();
  await world.configure({ 'a.txt': {}, 'b.txt': {}, 'dead.txt': {}, 'held.txt': {} });
  world.serve('a.txt', '45.66.64.1\n');
  world.serve('b.txt', '45.66.64.2\n');
  world.serve('held.txt', listOf(100));
  await world.refresh();
  world.serve('a.txt', '45.66.64.1\n45.66.64.11\n');
  world.serve('b.txt', '45.66.64.2\n45.66.64.12\n');
  world.serve('held.txt', '');
  await world.write('allowlist', [{ network: '45.66.99.0/24', reason: 'our own servers' }]);
  world.now += HOUR;
  return world;
}

async function outcome(world: FeedWorld) {
  const records = await Promise.all(
    ['a.txt', 'b.txt', 'held.txt'].map(async (name) => {
      const { current, held } = await world.record(name);
      return [name, current?.counts.indicators, held?.reason];
    }),
  );
  const { allowlistId } = (await world.services.snapshots.current())!.pointer;
  return { listed: await world.listed(), records, allowlistId, health: await world.health() };
}

describe('a refresh whose stores fail', () => {
  it('comes to the same in the next run, whichever call failed, before or after it was done', async () => {
    const smooth = await eventfulWorld();
    let calls = 0;
    await smooth.refresh(
      watched(smooth.services, async () => {
        calls++;
      }),
    );
    // Once more: so many runs have the others too.
    await smooth.later(MINUTE);
    const expected = await outcome(smooth);
    assert.ok(calls > 30, `${calls} calls`);
    for (const side of ['before', 'after'] as const) {
      for (let failing = 1; failing <= calls; failing++) {
        const world = await eventfulWorld();
        let call = 0;
        const fail = async (name: string) => {
          if (++call === failing) throw new Error(`the store is down at ${name}`);
        };
        const services =
          side === 'before'
            ? watched(world.services, fail)
            : watched(world.services, async () => {}, fail);
        await assert.rejects(world.refresh(services), /the store is down|alert .* changed/);
        await world.later(MINUTE);
        assert.deepEqual(await outcome(world), expected, `call ${failing}, ${side}`);
      }
    }
  });

  it('goes on with the other feeds when the store of one fails', async () => {
    const world = await eventfulWorld();
    const services = watched(world.services, async () => {});
    const { files } = services;
    await assert.rejects(
      world.refresh({
        ...services,
        files: {
          read: (feed, id) => files.read(feed, id),
          keepOnly: (feed, ids) => files.keepOnly(feed, ids),
          store: async (feed, bytes) => {
            if (feed === 'a.txt') throw new Error('no room');
            return files.store(feed, bytes);
          },
        },
      }),
      /no room/,
    );
    assert.equal((await world.record('b.txt')).current?.counts.indicators, 2);
    assert.ok((await world.listed()).includes('b.txt 45.66.64.12/32'));
  });
});

/** More with REFRESH_SCHEDULES=1000; twenty find what was broken on purpose. */
const SCHEDULES = Number(process.env['REFRESH_SCHEDULES'] ?? 20);

/** A small generator of its own, so that a seed names a schedule. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('two refreshers at once', () => {
  it('never put an older state over a newer one, and agree in the end', async () => {
    let conflicts = 0;
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const random = seeded(seed);
      const world = new FeedWorld();
      await world.configure({
        'a.txt': { refreshEvery: 'PT1M' },
        'b.txt': { refreshEvery: 'PT1M' },
      });
      let generation = 0;
      const body = () => `45.66.64.${generation}\n45.66.65.${generation}\n`;
      world.serve('a.txt', () => ({ body: body() }));
      world.serve('b.txt', () => ({ body: body() }));
      const pause = async () => {
        // Mostly short; now and then so long that another refresher does all of its work meanwhile.
        const longest = random() < 0.1 ? 120 : 4;
        for (let turns = Math.floor(random() * longest); turns > 0; turns--) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const published: number[][] = [];
      const note = async (call: string) => {
        if (call !== 'snapshots.point') return;
        const generations = (await world.listed()).map((text) =>
          Number(/\.(\d+)\/32/.exec(text)![1]),
        );
        published.push([Math.max(...generations), Math.min(...generations)]);
      };
      const refresher = async () => {
        for (let run = 0; run < 4; run++) {
          await pause();
          world.now += MINUTE;
          generation++;
          await world.refresh(watched(world.services, pause, note)).catch((error: unknown) => {
            assert.equal((error as { code?: string }).code, 'ALERT_CONFLICT', String(error));
            conflicts++;
          });
        }
      };
      await Promise.all([refresher(), refresher(), refresher()]);
      for (const [i, [newest, oldest]] of published.entries()) {
        const before = published[i - 1] ?? [0, 0];
        assert.ok(
          newest! >= before[0]! && oldest! >= before[1]!,
          `seed ${seed}: ${published.join(' ')}`,
        );
      }
      await world.later(MINUTE);
      assert.deepEqual(await world.listed(), [
        `a.txt 45.66.64.${generation}/32`,
        `a.txt 45.66.65.${generation}/32`,
        `b.txt 45.66.64.${generation}/32`,
        `b.txt 45.66.65.${generation}/32`,
      ]);
    }
    assert.equal(conflicts, 0);
  });
});

describe('snapshots that were replaced', () => {
  it('are removed a day later, but not the one in use, the one before it, or what hunts still need', async () => {
    const world = new FeedWorld();
    await world.configure({ 'a.txt': {} });
    const { checkpoints, snapshots } = world.services;
    const hunted = async (done: number) => {
      const version = (await checkpoints.read('hunts/publications'))?.version ?? null;
      await checkpoints.write('hunts/publications', { done, hunts: {} }, version);
    };
    const ids: string[] = [];
    for (let i = 1; i <= 4; i++) {
      world.serve('a.txt', `45.66.64.${i}\n`);
      ids.push((await world.later(HOUR)).snapshot!);
    }
    await hunted(2);
    world.serve('a.txt', '45.66.64.5\n');
    await world.later(26 * HOUR);
    // The hunt for the third publication compares it with the second.
    await assert.rejects(snapshots.read(ids[0]!));
    for (const id of ids.slice(1)) await snapshots.read(id);
    await hunted(5);
    world.serve('a.txt', '45.66.64.6\n');
    ids.push((await world.later(HOUR)).snapshot!);
    for (const id of ids.slice(0, 4)) await assert.rejects(snapshots.read(id));
    // Somebody may have read the pointer a moment ago, however old the file is.
    await hunted(6);
    world.serve('a.txt', '45.66.64.7\n');
    await world.later(26 * HOUR);
    await snapshots.read(ids[4]!);
    assert.deepEqual(await world.listed(), ['a.txt 45.66.64.7/32']);
  });
});
