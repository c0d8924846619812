import type { Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { write } from '../commands/command.ts';
import { alertLine } from './alert-line.ts';
import type { ProgressLine } from './progress-line.ts';

type AlertRecord = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly severity: string;
  readonly status: string;
  readonly revision: number;
};

const POLL_MS = 500;
const SEVERITIES = ['high', 'medium', 'low', 'informational'];

/** Asks the management API for alerts and prints each when it opens, gets graver or reopens. */
export class AlertWatch {
  readonly #address: string;
  readonly #out: Writable;
  readonly #progress: ProgressLine;
  readonly #colour: boolean;
  readonly #seen = new Map<string, AlertRecord>();
  #polls = 0;

  constructor(httpAddress: string, out: Writable, progress: ProgressLine, colour: boolean) {
    this.#address = `${httpAddress}/api/alerts`;
    this.#out = out;
    this.#progress = progress;
    this.#colour = colour;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#poll(signal);
      } catch (error) {
        // The functions may be busy, or stopping: said once they answer again by what is printed then.
        if (signal.aborted) return;
        this.#progress.show(`alerts: ${error instanceof Error ? error.message : String(error)}`);
      }
      await wait(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Everything stored before now has been printed. */
  async settled(signal: AbortSignal): Promise<void> {
    const from = this.#polls;
    while (!signal.aborted && this.#polls < from + 2) await wait(POLL_MS / 5);
  }

  summary(): string {
    const alerts = [...this.#seen.values()];
    const counts = SEVERITIES.map((severity) => ({
      severity,
      count: alerts.filter((alert) => alert.severity === severity).length,
    })).filter(({ count }) => count > 0);
    const parts = counts.map(({ severity, count }) => `${count} ${severity}`);
    return `${alerts.length} alerts${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const answer = await fetch(this.#address, { signal });
    if (!answer.ok) throw new Error(`${this.#address} answered ${answer.status}`);
    const { value } = (await answer.json()) as { value: AlertRecord[] };
    const time = (alert: AlertRecord) => String(alert['firstSeen'] ?? alert['createdAt']);
    for (const alert of value.toSorted((a, b) => (time(a) < time(b) ? -1 : 1))) {
      const before = this.#seen.get(alert.id);
      this.#seen.set(alert.id, alert);
      const change = changeOf(before, alert);
      if (change === null) continue;
      this.#progress.clear();
      await write(this.#out, `${alertLine(alert, this.#colour)}${change}\n`);
    }
    this.#polls++;
  }
}

function changeOf(before: AlertRecord | undefined, alert: AlertRecord): string | null {
  if (before === undefined) return '';
  if (alert.revision === before.revision) return null;
  if (alert.severity !== before.severity) return ` (graver: was ${before.severity})`;
  if (before.status === 'resolved' && alert.status === 'active') return ' (again)';
  return null;
}
