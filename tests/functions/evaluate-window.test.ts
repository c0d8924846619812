// The orchestration of a window by itself: what it asks of which activity, and what it makes of the answers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVALUATE_WINDOW, evaluateWindow } from '../../functions/orchestrations/evaluate-window.ts';
import type { PartitionRef } from '../../shared/ports/activity-log.ts';
import { orchestrate } from '../support/orchestrate.ts';

const WINDOW = { start: 0, end: 300_000, generation: 3 };
const summary = (devices: number, mayHaveLost = false) => ({
  devices,
  alerts: 1,
  mayHaveLost,
  late: 0,
});

/** `lists` are the answers to LIST, one after the other; `waits` how often a partition is not read yet. */
async function run(lists: readonly (readonly string[])[], waits: Record<string, number> = {}) {
  const asked: unknown[] = [];
  let listed = 0;
  const { output } = await orchestrate(
    EVALUATE_WINDOW,
    { window: WINDOW },
    {
      orchestrators: { [EVALUATE_WINDOW]: evaluateWindow },
      activities: {
        listPartitions: async () =>
          lists[Math.min(listed++, lists.length - 1)]!.map((partition) => ({
            stream: 's',
            partition,
          })),
        closeWindow: async ({ window, partition: { partition } }) => {
          assert.deepEqual(window, WINDOW);
          asked.push(`close ${partition}`);
          if ((waits[partition] ?? 0) === 0) return summary(Number(partition), partition === '1');
          waits[partition]!--;
          return null;
        },
        judgeUnheardDevices: async ({ closed, summary: { devices, mayHaveLost } }) => {
          const names = closed.map(({ partition }: PartitionRef) => partition);
          asked.push(`unheard of ${names.join()} ${devices} ${mayHaveLost}`);
          return summary(100);
        },
        finishWindow: async ({ window, summary: all }) => {
          assert.deepEqual(window, WINDOW);
          asked.push(`finish ${all.devices} ${all.alerts} ${all.mayHaveLost}`);
        },
      },
      onTimer: () => asked.push('timer'),
    },
  );
  return { asked, output };
}

describe('the orchestration of a window', () => {
  it('closes it on each partition once, and waits for those where messages wait', async () => {
    const { asked, output } = await run([['1', '2']], { 2: 2 });
    assert.deepEqual(asked, [
      'close 1',
      'close 2',
      'timer',
      'close 2',
      'timer',
      'close 2',
      // What the first round gave is not forgotten.
      'unheard of 1,2 3 true',
      'finish 103 3 true',
    ]);
    assert.deepEqual(output, { devices: 103, alerts: 3, mayHaveLost: true, late: 0 });
  });

  it('closes it on a partition that appears while it waits, or while others are closed', async () => {
    const { asked } = await run([['2'], ['2', '3'], ['2', '3', '4']], { 2: 1 });
    assert.deepEqual(asked.slice(0, 5), ['close 2', 'timer', 'close 2', 'close 3', 'close 4']);
    assert.equal(asked.at(-1), 'finish 109 4 false');
  });

  it('is done where there is no partition', async () => {
    const { asked } = await run([[]]);
    assert.deepEqual(asked, ['unheard of  0 false', 'finish 100 1 false']);
  });
});
