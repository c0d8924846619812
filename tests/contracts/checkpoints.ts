import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Checkpoints } from '../../shared/ports/checkpoints.ts';

export interface CheckpointsUnderTest {
  readonly checkpoints: Checkpoints;
  close(): Promise<void>;
}

/** What every answer to the port must do. */
export function checkpointsContract(name: string, open: () => Promise<CheckpointsUnderTest>): void {
  describe(`checkpoints: ${name}`, () => {
    let under: CheckpointsUnderTest;
    let checkpoints: Checkpoints;
    let names = 0;
    let fold: string;

    before(async () => {
      under = await open();
      ({ checkpoints } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      fold = `fold/hub~devices/${names++}`;
    });

    const written = async (value: unknown, version: string | null) => {
      const next = await checkpoints.write(fold, value, version);
      assert.ok(next !== null);
      return next;
    };

    it('has none at first', async () => {
      assert.equal(await checkpoints.read(fold), null);
    });

    it('gives back what was written, in the version that writing gave', async () => {
      const value = { place: { file: 'ä.log', offset: 2 ** 40 }, position: null };
      const version = await written(value, null);
      assert.deepEqual(await checkpoints.read(fold), { value, version });
    });

    it('moves on from the version that was read', async () => {
      const first = await written({ at: 1 }, null);
      const second = await written({ at: 2 }, first);
      assert.notEqual(second, first);
      assert.deepEqual(await checkpoints.read(fold), { value: { at: 2 }, version: second });
    });

    it('never goes back: a version that has passed writes nothing', async () => {
      const first = await written({ at: 1 }, null);
      const second = await written({ at: 2 }, first);
      assert.equal(await checkpoints.write(fold, { at: 0 }, first), null);
      assert.equal(await checkpoints.write(fold, { at: 0 }, null), null);
      assert.deepEqual(await checkpoints.read(fold), { value: { at: 2 }, version: second });
    });

    it('does not take a version of a checkpoint that is not there', async () => {
      const version = await written({ at: 1 }, null);
      assert.equal(await checkpoints.write(`${fold}-other`, { at: 5 }, version), null);
      assert.equal(await checkpoints.read(`${fold}-other`), null);
    });

    it('lets one of several begin, and one of several move on', async () => {
      for (const version of [null, 'read'] as const) {
        const from = version === null ? null : (await checkpoints.read(fold))!.version;
        const outcomes = await Promise.all(
          [10, 20, 30].map((at) => checkpoints.write(fold, { at, from }, from)),
        );
        const winners = outcomes.filter((outcome) => outcome !== null);
        assert.equal(winners.length, 1);
        const now = await checkpoints.read(fold);
        assert.equal(now?.version, winners[0]);
        assert.deepEqual(now?.value, { at: [10, 20, 30][outcomes.indexOf(winners[0]!)], from });
      }
    });

    it('is gone when it is removed, and may begin again', async () => {
      await checkpoints.remove(fold);
      const first = await written({ at: 1 }, null);
      await checkpoints.remove(fold);
      assert.equal(await checkpoints.read(fold), null);
      assert.equal(await checkpoints.write(fold, { at: 2 }, first), null);
      await written({ at: 3 }, null);
    });

    it('keeps names apart', async () => {
      await written({ at: 1 }, null);
      assert.equal(await checkpoints.read(`${fold}0`), null);
      assert.equal(await checkpoints.read('fold/hub~devices'), null);
    });
  });
}
