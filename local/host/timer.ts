import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { RegisteredFunction } from './core-module.ts';
import type { Payload } from './invoker.ts';
import { parseSchedule, type Schedule } from './ncrontab.ts';
import { type Outcome, withRetries } from './retry.ts';
import { resolveSettings } from './settings.ts';
import { readStatus, resume, statusJson, type TimerStatus, writeStatus } from './timer-status.ts';
import type { Trigger, TriggerHost } from './trigger.ts';
import { jsonData } from './typed-data.ts';
import { toError } from './worker.ts';

const bindingOptions = z.object({
  schedule: z.string(),
  runOnStartup: z.boolean().default(false),
  useMonitor: z.boolean().default(true),
});

/** The status is null for a timer that is not monitored. */
export function timerPayload(
  schedule: Schedule,
  status: TimerStatus | null,
  isPastDue: boolean,
): Payload {
  return {
    input: jsonData({
      Schedule: { AdjustForDST: schedule.adjustForDst },
      ScheduleStatus: status === null ? null : statusJson(status),
      IsPastDue: isPastDue,
    }),
    triggerMetadata: {},
  };
}

/** Invocations of one timer never overlap; the next occurrence is computed when a run has ended. */
export class TimerTrigger implements Trigger {
  readonly detail: string;
  readonly #registered: RegisteredFunction;
  readonly #host: TriggerHost;
  readonly #schedule: Schedule;
  readonly #runOnStartup: boolean;
  readonly #statusPath: string | null;
  /** Null for a timer that is not monitored. */
  #status: TimerStatus | null = null;
  #isPastDue = false;
  /** Each invocation waits for the one before. */
  #running: Promise<unknown> = Promise.resolve();

  /** The status stands in one file per function of the directory; in memory only when that is null. */
  static async open(
    registered: RegisteredFunction,
    host: TriggerHost,
    stateDirectory: string | null,
  ): Promise<TimerTrigger> {
    const options = bindingOptions.parse(registered.trigger);
    const { name } = registered.metadata;
    const path = stateDirectory === null ? null : join(stateDirectory, `${name}.json`);
    const timer = new TimerTrigger(registered, host, options, path);
    if (options.useMonitor && !timer.#schedule.frequent) {
      const found = path === null ? null : await readStatus(path);
      const { status, isPastDue } = resume(found, timer.#schedule, host.clock.now());
      timer.#isPastDue = isPastDue;
      if (status !== found) await timer.#remember(status);
      timer.#status = status;
    }
    return timer;
  }

  private constructor(
    registered: RegisteredFunction,
    host: TriggerHost,
    { schedule, runOnStartup }: z.output<typeof bindingOptions>,
    statusPath: string | null,
  ) {
    this.detail = resolveSettings(schedule);
    this.#registered = registered;
    this.#host = host;
    this.#schedule = parseSchedule(this.detail);
    this.#runOnStartup = runOnStartup;
    this.#statusPath = statusPath;
  }

  start(): void {
    const { clock } = this.#host;
    if (this.#isPastDue || this.#runOnStartup) this.#arm(clock.now(), this.#isPastDue);
    else this.#armNext();
  }

  async ended(): Promise<void> {
    await this.#running;
  }

  async drained(): Promise<void> {
    await this.#running;
  }

  /** One invocation beside the schedule. Rejects if it fails, or if the host stops before it is done. */
  async run(): Promise<void> {
    const outcome = await this.#invoke(false);
    if (outcome.status === 'failed') throw new Error(outcome.exception.message);
    if (outcome.status === 'interrupted')
      throw new Error('the host stopped before the run was done');
  }

  #armNext(): void {
    const { clock, log } = this.#host;
    const next = this.#schedule.next(clock.now());
    if (next !== null) return this.#arm(next, false);
    const { name } = this.#registered.metadata;
    const message = `The schedule "${this.detail}" never fires again`;
    log({ level: 'warning', category: 'host', functionName: name, message });
  }

  #arm(time: number, isPastDue: boolean): void {
    const { clock, stopping } = this.#host;
    clock.runAt(time, () => this.#fire(isPastDue), stopping);
  }

  async #fire(isPastDue: boolean): Promise<void> {
    const { clock, stopping } = this.#host;
    const at = clock.now();
    const outcome = await this.#invoke(isPastDue);
    // An interrupted occurrence stays due, so that the next host finds it missed.
    if (this.#status !== null && outcome.status !== 'interrupted') {
      this.#status = { last: at, next: this.#schedule.next(at), lastUpdated: at };
      await this.#remember(this.#status);
    }
    if (!stopping.aborted) this.#armNext();
  }

  #invoke(isPastDue: boolean): Promise<Outcome> {
    const invocationId = randomUUID();
    const payload = () => timerPayload(this.#schedule, this.#status, isPastDue);
    const outcome = this.#running.then(() =>
      withRetries(
        this.#registered.metadata.retryOptions,
        (context) => this.#host.invoker.run(this.#registered, invocationId, payload, context),
        this.#host,
      ),
    );
    this.#running = outcome;
    return outcome;
  }

  /** A status that cannot be written costs a missed occurrence at the next start at worst, so the timer goes on. */
  async #remember(status: TimerStatus): Promise<void> {
    if (this.#statusPath === null) return;
    try {
      await writeStatus(this.#statusPath, status);
    } catch (error) {
      const { name } = this.#registered.metadata;
      const message = `The timer status cannot be written: ${toError(error).message}`;
      this.#host.log({ level: 'error', category: 'host', functionName: name, message });
    }
  }
}
