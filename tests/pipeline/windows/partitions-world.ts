// Windows over several partitions: each has a log of its own, and devices may speak on any.
import assert from 'node:assert/strict';
import { MemoryActivityLog } from '../../../shared/adapters/memory/activity-log.ts';
import { MemoryDeviceStream } from '../../../shared/adapters/memory/device-stream.ts';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import type { Alert } from '../../../shared/domain/alert/alert.ts';
import { encodeBlock } from '../../../shared/format/activity-log/block.ts';
import { FIRST_FILE } from '../../../shared/pipeline/log/file-name.ts';
import { closeWindow, judgeUnheard } from '../../../shared/pipeline/windows/close-window.ts';
import { dueWindows, finishWindow } from '../../../shared/pipeline/windows/due-windows.ts';
import { allPartitions } from '../../../shared/pipeline/windows/progress.ts';
import { sumOf } from '../../../shared/pipeline/windows/window-summary.ts';
import { headerFor, toRows } from '../../format/activity-log/blocks.ts';
import { MINUTE, PARTITION, START } from '../log/logs.ts';
import { type Happened, happened, rowOf } from './histories.ts';
import { WindowWorld } from './window-world.ts';

/** An event so many minutes after START, by both clocks. */
export function on(minute: number, fields: Partial<Happened> = {}): Happened {
  const at = START + minute * MINUTE;
  return happened({ at, hubTime: at, ...fields });
}

/** Alerts of windows as `device from-to count`, in minutes after START. */
export function windowLines(alerts: readonly Alert[]): string[] {
  const minutes = (text: string) => (Date.parse(text) - START) / MINUTE;
  return alerts
    .flatMap(({ deviceId, subject, facts }) =>
      subject.kind === 'window'
        ? [
            `${deviceId} ${minutes(subject.start)}-${minutes(subject.end)} ${String(facts!['count'])}`,
          ]
        : [],
    )
    .sort((a, b) => (a < b ? -1 : 1));
}

interface Tail {
  readonly file: string;
  length: number;
  sequence: number;
  index: number;
}

export class PartitionsWorld {
  readonly world = new WindowWorld();
  readonly log = new MemoryActivityLog();
  readonly stream: MemoryDeviceStream;
  readonly #tails = new Map<string, Tail>();

  constructor(...ids: readonly string[]) {
    this.stream = new MemoryDeviceStream(ids);
    Object.assign(this.world.services, { log: this.log, stream: this.stream });
  }

  /** The log of the partition begins with this file: retention took those before. */
  async begin(partition: string, file: string): Promise<void> {
    this.#tails.set(partition, { file, length: 0, sequence: 0, index: 0 });
    await this.log.create({ ...PARTITION, partition }, file);
  }

  async commit(partition: string, ...events: readonly Happened[]): Promise<void> {
    if (!this.#tails.has(partition)) await this.begin(partition, FIRST_FILE);
    const tail = this.#tails.get(partition)!;
    const ref = { ...PARTITION, partition };
    for (const event of events) {
      if ((await this.stream.partitionIds()).includes(partition)) {
        this.stream.send(partition, { enqueuedTime: event.at });
      }
      const rows = [rowOf(event)];
      const { sequence } = tail;
      const header = headerFor(rows, {
        index: tail.index++,
        partition,
        fromSequence: sequence,
        toSequence: sequence,
      });
      tail.sequence++;
      const bytes = encodeBlock(header, toRows(rows), codec);
      assert.equal(await this.log.append(ref, tail.file, tail.length, bytes), 'appended');
      tail.length += bytes.length;
    }
  }

  /** Everything that is due and closed, as the orchestration does it. */
  async run(): Promise<string[]> {
    const { services } = this.world;
    for (;;) {
      let done = 0;
      for (const window of await dueWindows(services)) {
        const partitions = await allPartitions(services);
        const closed = await Promise.all(
          partitions.map((ref) => closeWindow(services, ref, window)),
        );
        if (closed.includes(null)) continue;
        const summary = sumOf(closed.map((one) => one!));
        const unheard = await judgeUnheard(services, partitions, window, summary);
        await finishWindow(services, window, sumOf([summary, unheard]));
        done++;
      }
      if (done === 0) return windowLines(await this.world.allAlerts());
    }
  }
}
