import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { compare } from './driver.ts';
import { log } from './harness.ts';
import { randomProgram } from './random-programs.ts';

describe('a random orchestration', () => {
  it('comes to what plain promises come to, whatever comes first', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomProgram,
        fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
        async (program, picks) => {
          const { output, expected } = await compare(program, picks);
          assert.deepEqual(output, expected);
          assert.ok(!log.has(/Non-Deterministic|wrong tasks|nothing is left/));
          log.entries.length = 0;
        },
      ),
      { numRuns: 300 },
    );
  });
});
