import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Configuration } from '../../shared/ports/configuration.ts';

export interface ConfigurationUnderTest {
  readonly configuration: Configuration;
  close(): Promise<void>;
}

/** What every answer to the port must do. */
export function configurationContract(
  name: string,
  open: () => Promise<ConfigurationUnderTest>,
): void {
  describe(`configuration: ${name}`, () => {
    let under: ConfigurationUnderTest;
    let configuration: Configuration;
    let names = 0;
    let file: string;

    before(async () => {
      under = await open();
      ({ configuration } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      file = `feeds-${names++}`;
    });

    const written = async (value: unknown, version: string | null) => {
      const next = await configuration.write(file, value, version);
      assert.ok(next !== null);
      return next;
    };

    it('has no file at first', async () => {
      assert.equal(await configuration.read(file), null);
    });

    it('gives back what was written, in the version that writing gave', async () => {
      let version: string | null = null;
      for (const value of [{ feeds: [{ name: 'ä', ttl: 2 ** 40 }] }, [], null, 'text', 0.5]) {
        version = await written(value, version);
        assert.deepEqual(await configuration.read(file), { value, version });
      }
    });

    it('keeps its own copy, with the keys that an object has anyway', async () => {
      const value = JSON.parse('{"__proto__":{"a":1},"list":[1]}') as { list: number[] };
      await written(value, null);
      value.list.push(2);
      const read = (await configuration.read(file))!.value;
      assert.equal(JSON.stringify(read), '{"__proto__":{"a":1},"list":[1]}');
    });

    it('writes over the file that was read, and no other', async () => {
      const first = await written({ at: 1 }, null);
      const second = await written({ at: 2 }, first);
      assert.notEqual(second, first);
      assert.equal(await configuration.write(file, { at: 0 }, first), null);
      assert.equal(await configuration.write(file, { at: 0 }, null), null);
      assert.deepEqual(await configuration.read(file), { value: { at: 2 }, version: second });
    });

    it('does not take a version of a file that is not there', async () => {
      const version = await written({ at: 1 }, null);
      assert.equal(await configuration.write(`${file}-other`, { at: 5 }, version), null);
      assert.equal(await configuration.read(`${file}-other`), null);
    });

    it('lets one of several begin, and one of several move on', async () => {
      for (const round of ['begin', 'moveOn']) {
        const from = (await configuration.read(file))?.version ?? null;
        const outcomes = await Promise.all(
          [10, 20, 30].map((at) => configuration.write(file, { at, round }, from)),
        );
        const winners = outcomes.filter((outcome) => outcome !== null);
        assert.equal(winners.length, 1);
        const at = [10, 20, 30][outcomes.indexOf(winners[0]!)];
        const value = { at, round };
        assert.deepEqual(await configuration.read(file), { value, version: winners[0] });
      }
    });
  });
}
