// Random orchestrations. The library and the host take their task ids apart when the library goes on before the host
// does (a Task.all that failed, a timer cancelled) while a retry or a long timer still takes ids; so no program does both.
import * as fc from 'fast-check';
import type { Program, Tree } from '../../../fixtures/host-app/durable/program.ts';

const DAY = 86_400_000;

type Flavour = {
  /** What may stand anywhere. */
  readonly leaves: readonly fc.Arbitrary<Tree>[];
  /** What may stand where its failure hurries nobody: alone, or in a Task.any. */
  readonly failing: readonly fc.Arbitrary<Tree>[];
  readonly cancelsTimers: boolean;
};

const activity = (failures: fc.Arbitrary<number>): fc.Arbitrary<Tree> =>
  fc.record({ kind: fc.constant('activity' as const), id: fc.constant(''), failures });
const timer = (max: number): fc.Arbitrary<Tree> =>
  fc.record({
    kind: fc.constant('timer' as const),
    id: fc.constant(''),
    milliseconds: fc.integer({ min: 1, max }),
  });
const event: fc.Arbitrary<Tree> = fc.record({
  kind: fc.constant('event' as const),
  id: fc.constant(''),
});
const retried = (exhausted: boolean): fc.Arbitrary<Tree> =>
  fc.record({ attempts: fc.integer({ min: 2, max: 4 }), spare: fc.nat(3) }).chain((given) =>
    fc.record({
      kind: fc.constant('retried' as const),
      id: fc.constant(''),
      attempts: fc.constant(given.attempts),
      failures: fc.constant(exhausted ? given.attempts : given.spare % given.attempts),
      firstRetryMilliseconds: fc.integer({ min: 1, max: DAY }),
      backoff: fc.constantFrom(1, 2),
    }),
  );

/** The library and the host go in step: nothing fails where others wait, and lost timers run on. */
const inStep: Flavour = {
  leaves: [activity(fc.constant(0)), retried(false), timer(20 * DAY), event],
  failing: [activity(fc.constant(1)), retried(true)],
  cancelsTimers: false,
};
const cancelling: Flavour = {
  leaves: [activity(fc.constant(0)), timer(5 * DAY), event],
  failing: [activity(fc.constant(1))],
  cancelsTimers: true,
};
/** The library is ahead of the host. */
const hurried: Flavour = {
  leaves: [activity(fc.nat(1)), event],
  failing: [],
  cancelsTimers: false,
};

function trees(flavour: Flavour, depth: number): fc.Arbitrary<Tree> {
  const { leaves, failing } = flavour;
  if (depth === 0) return fc.oneof(...leaves);
  const inner = trees(flavour, depth - 1);
  const mayFail = failing.length === 0 ? inner : fc.oneof(inner, ...failing);
  const members = (member: fc.Arbitrary<Tree>) => fc.array(member, { minLength: 1, maxLength: 4 });
  const program = (fails: fc.Arbitrary<boolean>): fc.Arbitrary<Tree> =>
    fc.record({
      kind: fc.constant('program' as const),
      id: fc.constant(''),
      program: programs(flavour, depth - 1, fails),
    });
  return fc.oneof(
    ...leaves,
    fc.record({ kind: fc.constant('all' as const), members: members(inner) }),
    fc.record({ kind: fc.constant('any' as const), members: members(mayFail) }),
    program(failing.length === 0 ? fc.boolean() : fc.constant(false)),
  );
}

function programs(
  flavour: Flavour,
  depth: number,
  fails: fc.Arbitrary<boolean>,
): fc.Arbitrary<Program> {
  const step = fc.oneof({ arbitrary: trees(flavour, depth), weight: 5 }, ...flavour.failing);
  return fc.record({
    id: fc.constant(''),
    steps: fc.array(step, { minLength: 1, maxLength: 3 }),
    cancelsTimers: fc.constant(flavour.cancelsTimers),
    fails,
  });
}

export const randomProgram: fc.Arbitrary<Program> = fc
  .oneof(
    ...[inStep, cancelling, hurried].map((flavour) => programs(flavour, 2, fc.constant(false))),
  )
  .map((program) => new Numbering().program(program));

/** Gives every node an id of its own: `p2/e7` is an event of the program p2. */
class Numbering {
  #next = 0;

  program(program: Program): Program {
    const id = `p${this.#next++}`;
    return { ...program, id, steps: program.steps.map((step) => this.#tree(step, id)) };
  }

  #tree(tree: Tree, program: string): Tree {
    if ('members' in tree)
      return { ...tree, members: tree.members.map((member) => this.#tree(member, program)) };
    const id = `${program}/${tree.kind[0]}${this.#next++}`;
    if (tree.kind === 'program') return { ...tree, id, program: this.program(tree.program) };
    return { ...tree, id };
  }
}
