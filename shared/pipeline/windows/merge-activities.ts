// Merging runs as streams: in memory is one chunk of each, whatever their length.
import {
  type DeviceActivity,
  mergedActivity,
  withoutCounts,
} from '../../domain/window/device-activity.ts';
import type { Activities } from './run-files.ts';

const BATCH_DEVICES = 1024;

/**
 * One device of the runs together after the other, each once. Of what runs say at the same time, an earlier one in the list comes
 * first.
 */
export async function* mergeActivities(runs: readonly Activities[]): Activities {
  if (runs.length === 1) {
    yield* runs[0]!;
    return;
  }
  const inputs = runs.map((run) => new Input(run));
  try {
    await Promise.all(inputs.map((input) => input.fill()));
    let batch: DeviceActivity[] = [];
    for (;;) {
      const next = leastId(inputs);
      if (next === null) break;
      let merged: DeviceActivity | null = null;
      for (const input of inputs) {
        if (input.current?.deviceId !== next) continue;
        merged = merged === null ? input.current : mergedActivity(merged, input.current);
        if (!input.advance()) await input.fill();
      }
      batch.push(merged!);
      if (batch.length === BATCH_DEVICES) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  } finally {
    await Promise.all(inputs.map((input) => input.close()));
  }
}

/** That devices were there, and nothing of what they did. */
export async function* uncounted(activities: Activities): Activities {
  for await (const devices of activities) yield devices.map(withoutCounts);
}

export async function* inOne(devices: readonly DeviceActivity[]): Activities {
  yield devices;
}

/** A device in both, in one or in the other. */
export interface Joined {
  readonly left: DeviceActivity | null;
  readonly right: DeviceActivity | null;
}

/** The devices of both in order of id, those of one id side by side. */
export async function* joinActivities(
  left: Activities,
  right: Activities,
): AsyncGenerator<readonly Joined[]> {
  const [a, b] = [new Input(left), new Input(right)];
  try {
    await Promise.all([a.fill(), b.fill()]);
    let batch: Joined[] = [];
    for (;;) {
      const id = leastId([a, b]);
      if (id === null) break;
      const [one, other] = [a, b].map((input) =>
        input.current?.deviceId === id ? input.current : null,
      );
      batch.push({ left: one ?? null, right: other ?? null });
      if (one !== null && !a.advance()) await a.fill();
      if (other !== null && !b.advance()) await b.fill();
      if (batch.length === BATCH_DEVICES) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** One run, a device at a time. Only where a chunk ends anything is waited for. */
class Input {
  current: DeviceActivity | null = null;
  readonly #iterator: AsyncIterator<readonly DeviceActivity[]>;
  #chunk: readonly DeviceActivity[] = [];
  #at = 0;

  constructor(run: Activities) {
    this.#iterator = run[Symbol.asyncIterator]();
  }

  /** False where the chunk is used up: then `fill` must come next. */
  advance(): boolean {
    this.#at++;
    this.current = this.#chunk[this.#at] ?? null;
    return this.current !== null;
  }

  async fill(): Promise<void> {
    do {
      const next = await this.#iterator.next();
      if (next.done === true) {
        this.current = null;
        return;
      }
      this.#chunk = next.value;
      this.#at = 0;
      this.current = this.#chunk[0] ?? null;
    } while (this.current === null);
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

function leastId(inputs: readonly Input[]): string | null {
  let least: string | null = null;
  for (const { current } of inputs) {
    if (current !== null && (least === null || current.deviceId < least)) least = current.deviceId;
  }
  return least;
}
