import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type Comparison, compare } from './driver.ts';
import { log } from './harness.ts';
import { randomProgram } from './random-programs.ts';

const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 30 });

function assertSame({ output, expected }: Comparison): void {
  assert.deepEqual(output, expected);
  assert.ok(!log.has(/Non-Deterministic|wrong tasks|nothing is left/));
  log.entries.length = 0;
}

describe('a random orchestration', () => {
  it('comes to what plain promises come to, whatever comes first', async () => {
    await fc.assert(
      fc.asyncProperty(randomProgram, picks, async (program, picks) => {
        assertSame(await compare(program, picks));
      }),
      { numRuns: 300 },
    );
  });

  it('comes to the same on hosts that die one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(randomProgram, picks, async (program, picks) => {
        const directory = await mkdtemp(join(tmpdir(), 'host-random-'));
        try {
          assertSame(await compare(program, picks, directory));
        } finally {
          await rm(directory, { recursive: true });
        }
      }),
      { numRuns: 100 },
    );
  });
});
