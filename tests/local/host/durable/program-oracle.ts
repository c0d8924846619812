// What a random program comes to, without the durable machinery: plain promises, in one process, with no replay.
import type { Program, Tree } from '../../../fixtures/host-app/durable/program.ts';

/** One thing that a program waits for; the test decides in which order they come. */
export interface Gates {
  /** Settles when the attempt (from 1) of an activity may end. */
  leaf(id: string, attempt: number): Promise<void>;
  event(id: string): Promise<unknown>;
  sleep(milliseconds: number): Promise<void>;
}

export async function oracle(program: Program, gates: Gates): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const step of program.steps) {
    results.push(await evaluate(step, gates).catch((error: Error) => ({ failed: error.message })));
  }
  if (program.fails) throw new Error(`program ${program.id} fails`);
  return results;
}

async function evaluate(tree: Tree, gates: Gates): Promise<unknown> {
  switch (tree.kind) {
    case 'activity':
      await gates.leaf(tree.id, 1);
      if (tree.failures > 0) throw new Error(`leaf ${tree.id} fails`);
      return tree.id;
    case 'retried': {
      const { firstRetryMilliseconds, backoff } = tree;
      for (let attempt = 1; ; attempt++) {
        await gates.leaf(tree.id, attempt);
        if (attempt > tree.failures) return tree.id;
        if (attempt === tree.attempts) throw new Error(`leaf ${tree.id} fails`);
        await gates.sleep(firstRetryMilliseconds * backoff ** (attempt - 1));
      }
    }
    case 'timer':
      await gates.sleep(tree.milliseconds);
      return 'fired';
    case 'event':
      return gates.event(tree.id);
    case 'program':
      return oracle(tree.program, gates);
    case 'all':
      return Promise.all(tree.members.map((member) => evaluate(member, gates)));
    case 'any':
      return Promise.race(
        tree.members.map((member, winner) =>
          evaluate(member, gates).then(
            (result) => ({ winner, result }),
            (error: Error) => ({ winner, result: { failed: error.message } }),
          ),
        ),
      );
  }
}
