import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { DeviceActivity } from '../../../shared/domain/window/device-activity.ts';
import {
  joinActivities,
  mergeActivities,
} from '../../../shared/pipeline/windows/merge-activities.ts';
import { activityOf } from '../../domain/window/tuples.ts';

/** Devices by number in chunks, empty ones among them; tells when it was closed. */
class Source {
  isClosed = false;
  readonly #chunks: readonly (readonly number[])[];
  readonly #dies: boolean;

  constructor(chunks: readonly (readonly number[])[], dies = false) {
    this.#chunks = chunks;
    this.#dies = dies;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly DeviceActivity[]> {
    try {
      for (const chunk of this.#chunks) {
        yield chunk.map((n) => activityOf({ deviceId: String(10_000 + n), messages: 1 }));
      }
      if (this.#dies) throw new Error('died');
    } finally {
      this.isClosed = true;
    }
  }
}

/** Ascending numbers, cut into chunks of which some are empty. */
const chunks = fc
  .tuple(fc.uniqueArray(fc.nat(40), { maxLength: 20 }), fc.array(fc.nat(4), { minLength: 1 }))
  .map(([numbers, sizes]) => {
    const rest = numbers.sort((a, b) => a - b);
    const cut = sizes.map((size) => rest.splice(0, size));
    return [...cut, rest];
  });

async function drained<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

describe('merged activities', () => {
  it('are each device once, in order, with what all of them count, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(chunks, { maxLength: 5 }), async (runs) => {
        const sources = runs.map((one) => new Source(one));
        const merged = await drained(mergeActivities(sources));
        const counts = new Map<number, number>();
        for (const n of runs.flat(2)) counts.set(n, (counts.get(n) ?? 0) + 1);
        assert.deepEqual(
          merged.map(({ deviceId, messages }) => [Number(deviceId) - 10_000, messages]),
          [...counts].sort(([a], [b]) => a - b),
        );
        assert.ok(sources.every(({ isClosed }) => isClosed));
      }),
    );
  });

  it('are all of many: more than are given at a time', async () => {
    const evens = Array.from({ length: 2500 }, (_, i) => 2 * i);
    const threes = Array.from({ length: 2500 }, (_, i) => 3 * i);
    const merged = await drained(mergeActivities([new Source([evens]), new Source([threes])]));
    assert.equal(merged.length, new Set([...evens, ...threes]).size);
  });

  it('stand side by side where two are joined', async () => {
    await fc.assert(
      fc.asyncProperty(chunks, chunks, async (a, b) => {
        const joined = await drained(joinActivities(new Source(a), new Source(b)));
        const [left, right] = [a.flat(), b.flat()];
        const expected = [...new Set([...left, ...right])].sort((x, y) => x - y);
        assert.deepEqual(
          joined.map((one) => [one.left !== null, one.right !== null]),
          expected.map((n) => [left.includes(n), right.includes(n)]),
        );
      }),
    );
  });

  it('leave no run open when one dies, or when nobody wants the rest', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => [i]);
    const dying = [new Source([[0]], true), new Source(many)];
    await assert.rejects(drained(mergeActivities(dying)), /died/);
    assert.ok(dying.every(({ isClosed }) => isClosed));
    const left = [new Source(many), new Source(many)];
    for await (const batch of mergeActivities(left)) {
      assert.equal(batch.length, 1024);
      break;
    }
    assert.ok(left.every(({ isClosed }) => isClosed));
    const [a, b] = [new Source(many), new Source(many)];
    for await (const _ of joinActivities(a, b)) break;
    assert.ok(a.isClosed && b.isClosed);
  });
});
