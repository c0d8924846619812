import type { HostClock } from './clock.ts';
import type { Invoker } from './invoker.ts';
import type { HostLog } from './log.ts';

/** What every kind of trigger needs of the host. */
export interface TriggerHost {
  readonly invoker: Invoker;
  readonly clock: HostClock;
  /** Aborted when the host stops: listeners end, retries are given up. */
  readonly stopping: AbortSignal;
  readonly log: HostLog;
}

/** Wakes one function. */
export interface Trigger {
  readonly detail: string;
  start(): void;
  /** Resolves once the trigger wakes its function no more: some time after `stopping`. */
  ended(): Promise<void>;
  /** Resolves when nothing is waiting to be processed and no invocation runs, or the host stops. */
  drained(): Promise<void>;
}
