// Random schedules of the real pipeline under the faults of the protocol model; see tests/support/simulated-world.ts.
// More of them: SIMULATED_SCHEDULES=5000 npm test. One again: SIMULATED_FROM=<seed> SIMULATED_SCHEDULES=1.
import assert from 'node:assert/strict';
import process from 'node:process';
import { describe, it } from 'node:test';
import { type SimulationResult, simulate } from '../support/simulated-world.ts';

const SCHEDULES = Number(process.env['SIMULATED_SCHEDULES'] ?? 240);
const FROM = Number(process.env['SIMULATED_FROM'] ?? 1);

const SETS = [
  [],
  ['recreate', 'outage', 'dualOwner'],
  ['retention', 'outage', 'crash', 'foldDown'],
  ['jitter', 'skip', 'dualOwner', 'zombie'],
  ['person', 'foldDown', 'crash', 'twoFolds'],
  ['snapshots', 'slow', 'dualOwner', 'lostReply', 'reject'],
  ['snapshots', 'twoHunts', 'crash', 'zombie', 'foldDown'],
  ['snapshots', 'requests', 'twoHunts', 'lostReply', 'crash'],
  ['groups', 'snapshots', 'dualOwner', 'slow', 'zombie'],
  ['twoClosers', 'closerDown', 'crash', 'outage'],
  ['twoClosers', 'recreate', 'retention', 'outage', 'registry'],
  ['lateMessages', 'groups', 'rebuild', 'jitter', 'slow'],
] as const;

describe('ingest, fold, hunts, windows and catch-up under faults', () => {
  for (const forced of SETS) {
    it(`keep every promise with ${forced.length === 0 ? 'random faults' : forced.join(', ')}`, async () => {
      const sum = { events: 0, blocks: 0, conflicts: 0, hunted: 0, broken: 0 };
      const windows = { windows: 0, tooFew: 0, tooMany: 0 };
      const count = Math.max(1, Math.round(SCHEDULES / SETS.length));
      for (let seed = FROM; seed < FROM + count; seed++) {
        const result = await simulate(seed, forced);
        assert.deepEqual(result.violations, [], explain(seed, result));
        sum.events += result.events;
        sum.blocks += result.blocks;
        sum.conflicts += result.conflicts;
        sum.hunted += result.hunted;
        sum.broken += result.broken;
        windows.windows += result.windows.windows;
        windows.tooFew += result.windows.tooFew;
        windows.tooMany += result.windows.tooMany;
      }
      // A simulation in which nothing happens proves nothing.
      assert.ok(sum.blocks > count * 2, JSON.stringify(sum));
      assert.ok(Math.min(...Object.values(windows)) > count / 2, JSON.stringify(windows));
      if (count >= 20 && forced.includes('dualOwner' as never)) assert.ok(sum.conflicts > 0);
      if (forced.includes('groups' as never)) assert.ok(sum.broken > count / 2);
      if (count >= 20 && forced.includes('snapshots' as never)) assert.ok(sum.hunted > count / 4);
    });
  }
});

function explain(seed: number, { faults, violations, trace }: SimulationResult): string {
  const [first] = violations;
  return [
    `seed ${seed}, faults ${faults.join(', ')}: ${first?.kind} ${first?.detail}`,
    ...trace.slice(-60),
  ].join('\n');
}
