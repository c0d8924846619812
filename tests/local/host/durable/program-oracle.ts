// What a random program comes to, without the durable machinery: plain promises, in one process, with no replay.
import type { Program, Tree } from '../../../fixtures/host-app/durable/program.ts';

/** One thing that a program waits for; the test decides in which order they come. */
export interface Gates {
  /** Settles when the attempt (from 1) of an activity may end. */
  leaf(id: string, attempt: number): Promise<void>;
  event(id: string): Promise<unknown>;
  sleep(milliseconds: number): Promise<void>;
}

/** It ends when its last step is done and so is everything that it has started; events are not started. */
export async function oracle(program: Program, gates: Gates): Promise<unknown[]> {
  const results: unknown[] = [];
  const started: Promise<unknown>[] = [];
  for (const step of program.steps) {
    const result = evaluate(step, program, gates, started);
    results.push(await result.catch(({ message }: Error) => ({ failed: message })));
  }
  await Promise.allSettled(started);
  if (program.fails) throw new Error(`program ${program.id} fails`);
  return results;
}

async function evaluate(
  tree: Tree,
  program: Program,
  gates: Gates,
  started: Promise<unknown>[],
): Promise<unknown> {
  const members = () =>
    'members' in tree
      ? tree.members.map((member) => evaluate(member, program, gates, started))
      : [];
  switch (tree.kind) {
    case 'event':
      return gates.event(tree.id);
    case 'all':
      return Promise.all(members());
    case 'any':
      return Promise.race(
        members().map((member, winner) =>
          member.then(
            (result) => ({ winner, result }),
            ({ message }: Error) => ({ winner, result: { failed: message } }),
          ),
        ),
      );
    case 'timer': {
      const fired = gates.sleep(tree.milliseconds).then(() => 'fired');
      if (!program.cancelsTimers) started.push(fired);
      return fired;
    }
    default: {
      const call = callOf(tree, gates);
      started.push(call);
      return call;
    }
  }
}

async function callOf(
  tree: Extract<Tree, { kind: 'activity' | 'retried' | 'program' }>,
  gates: Gates,
): Promise<unknown> {
  if (tree.kind === 'program') return oracle(tree.program, gates);
  for (let attempt = 1; ; attempt++) {
    await gates.leaf(tree.id, attempt);
    if (attempt > tree.failures) return tree.id;
    if (tree.kind === 'activity' || attempt === tree.attempts)
      throw new Error(`leaf ${tree.id} fails`);
    await gates.sleep(tree.firstRetryMilliseconds * tree.backoff ** (attempt - 1));
  }
}
