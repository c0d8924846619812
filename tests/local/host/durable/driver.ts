// Runs a program on the engine and in the oracle side by side: what they wait for comes to both in one random order.
import assert from 'node:assert/strict';
import type { HostClock } from '../../../../local/host/clock.ts';
import { InstanceStore } from '../../../../local/host/durable/store.ts';
import type { Program, Tree } from '../../../fixtures/host-app/durable/program.ts';
import { on } from '../../../fixtures/host-app/probe.ts';
import { Harness, START, stillness } from './harness.ts';
import { type Gates, oracle } from './program-oracle.ts';

/** Time that the driver moves from one due action to the next, without waiting for what they bring about. */
export class SteppedClock implements HostClock {
  #now = START;
  #due: { time: number; action: () => unknown; signal: AbortSignal | null }[] = [];

  now(): number {
    return this.#now;
  }

  runAt(time: number, action: () => Promise<void>, signal: AbortSignal): void {
    this.#due.push({ time, action, signal });
  }

  async delay(): Promise<void> {
    throw new Error('nothing here waits between the attempts of a trigger');
  }

  sleep(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#due.push({ time: this.#now + milliseconds, action: resolve, signal: null });
    return promise;
  }

  get next(): number | null {
    this.#due = this.#due.filter(({ signal }) => signal?.aborted !== true);
    return this.#due.length === 0 ? null : Math.min(...this.#due.map(({ time }) => time));
  }

  step(): void {
    const time = this.next!;
    this.#now = Math.max(time, this.#now);
    const now = this.#due.filter((entry) => entry.time <= this.#now);
    this.#due = this.#due.filter((entry) => entry.time > this.#now);
    for (const { action } of now) action();
  }
}

/** Promises by name, made by whoever asks first. */
class Named {
  readonly #made = new Map<string, PromiseWithResolvers<void>>();
  readonly resolved = new Set<string>();

  get(name: string): PromiseWithResolvers<void> {
    const made = this.#made.get(name) ?? Promise.withResolvers<void>();
    this.#made.set(name, made);
    return made;
  }

  get open(): string[] {
    return [...this.#made.keys()].filter((name) => !this.resolved.has(name));
  }

  resolve(name: string): void {
    this.resolved.add(name);
    this.get(name).resolve();
  }
}

export interface Comparison {
  readonly output: unknown;
  readonly expected: unknown;
}

/** With a directory the host also dies, at times, and another goes on with what it finds there. */
export async function compare(
  program: Program,
  picks: readonly number[],
  directory: string | null = null,
): Promise<Comparison> {
  const clock = new SteppedClock();
  let host = new Harness(clock, InstanceStore.open(directory));
  const leaves = new Named();
  const expectedLeaves = new Named();
  const events = new Named();
  const gates: Gates = {
    leaf: (id, attempt) => expectedLeaves.get(`${id}#${attempt}`).promise,
    event: (id) => events.get(id).promise.then(() => id),
    sleep: (milliseconds) => clock.sleep(milliseconds),
  };
  on('leaf', async ({ id, failures }: Extract<Tree, { kind: 'retried' }>) => {
    // An attempt that a dead host had not ended is made again.
    const ended = [...leaves.resolved].filter((name) => name.startsWith(`${id}#`));
    const attempt = ended.length + 1;
    await leaves.get(`${id}#${attempt}`).promise;
    if (attempt <= failures) throw new Error(`leaf ${id} fails`);
    return id;
  });
  const expected = oracle(program, gates);
  host.start('interpret', 'root', program);
  await stillness();
  for (let step = 0; !host.hasEnded('root'); step++) {
    const choices = [
      ...leaves.open.map((name) => () => {
        leaves.resolve(name);
        expectedLeaves.resolve(name);
      }),
      ...events.open.flatMap((name) => {
        const instanceId = instanceOf(host, name.split('/')[0]!);
        if (instanceId === null) return [];
        return () => {
          events.resolve(name);
          host.engine.raiseEvent(instanceId, name, JSON.stringify(name));
        };
      }),
      ...(clock.next === null ? [] : [() => clock.step()]),
    ];
    assert.notEqual(choices.length, 0, 'the instance waits for nothing');
    const pick = picks[step % picks.length]!;
    choices[pick % choices.length]!();
    await stillness();
    if (directory !== null && pick % 3 === 0) {
      host.abandon();
      host = new Harness(clock, InstanceStore.open(directory));
      await stillness();
    }
  }
  const { output } = host.status('root');
  host.abandon();
  return { output, expected: await expected };
}

/** The live instance that runs the program of this id. */
function instanceOf(host: Harness<SteppedClock>, programId: string): string | null {
  for (const instance of host.store.all()) {
    const { instanceId, input } = instance;
    if (!host.hasEnded(instanceId) && JSON.parse(input!).id === programId) return instanceId;
  }
  return null;
}
