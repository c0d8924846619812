import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OneAtATime } from '../../shared/pipeline/one-at-a-time.ts';

/** Work that ends when the test says so. */
function held(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const work = async () => {
    log.push(`${name} begins`);
    const result = await promise;
    log.push(`${name} ends`);
    return result;
  };
  return { work, resolve, reject };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('work that is done one at a time', () => {
  it('waits for the work of its name, in order, and for no other', async () => {
    const turns = new OneAtATime();
    const log: string[] = [];
    const [a, b, c] = [held(log, 'a'), held(log, 'b'), held(log, 'c')];
    const running = [
      turns.run('one', a.work),
      turns.run('one', b.work),
      turns.run('other', c.work),
    ];
    await settle();
    assert.deepEqual(log, ['a begins', 'c begins']);
    b.resolve('b');
    c.resolve('c');
    await settle();
    assert.deepEqual(log.slice(2), ['c ends']);
    a.resolve('a');
    assert.deepEqual(await Promise.all(running), ['a', 'b', 'c']);
    assert.deepEqual(log.slice(3), ['a ends', 'b begins', 'b ends']);
  });

  it('goes on behind work that failed, whose failure its own caller hears', async () => {
    const turns = new OneAtATime();
    const failing = turns.run('one', () => Promise.reject(new Error('broken')));
    const next = turns.run('one', async () => 'done');
    await assert.rejects(failing, /broken/);
    assert.equal(await next, 'done');
  });
});
