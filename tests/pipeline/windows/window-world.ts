// Windows on memory stores: a stream whose events are committed when the test says so, a clock, groups and alerts.
import { MemoryAlertStore } from '../../../shared/adapters/memory/alert-store.ts';
import { MemoryCheckpoints } from '../../../shared/adapters/memory/checkpoints.ts';
import { MemoryDeviceStream } from '../../../shared/adapters/memory/device-stream.ts';
import { MemorySecurityGroups } from '../../../shared/adapters/memory/security-groups.ts';
import type { Alert } from '../../../shared/domain/alert/alert.ts';
import {
  type SecurityGroup,
  groupKey,
} from '../../../shared/domain/security-group/security-group.ts';
import type { DataHeader } from '../../../shared/format/activity-log/header.ts';
import { closeWindow } from '../../../shared/pipeline/windows/close-window.ts';
import {
  type WindowServices,
  dueWindows,
  finishWindow,
} from '../../../shared/pipeline/windows/due-windows.ts';
import type { WindowTask } from '../../../shared/pipeline/windows/window-plan.ts';
import { OneAtATime } from '../../../shared/pipeline/one-at-a-time.ts';
import { CLOCK_SLACK_MS } from '../../../shared/pipeline/windows/progress.ts';
import { LogWriter, PARTITION } from '../log/logs.ts';
import { GRACE_MS, type Happened, rowOf, runServices } from './histories.ts';

export class WindowWorld {
  now = 0;
  readonly writer = new LogWriter();
  readonly stream = new MemoryDeviceStream(['0']);
  readonly groups = new MemorySecurityGroups();
  readonly alerts = new MemoryAlertStore();
  readonly checkpoints = new MemoryCheckpoints();
  readonly services: WindowServices;
  #isCreated = false;

  constructor() {
    this.services = {
      ...runServices(this.writer.log, { checkpoints: this.checkpoints }),
      stream: this.stream,
      streamName: PARTITION.stream,
      groups: this.groups,
      alerts: this.alerts,
      clock: { now: () => this.now },
      hub: 'test-hub',
      oneAtATime: new OneAtATime(),
    };
  }

  /** Events that the stream has and ingest committed. */
  async commit(...events: readonly Happened[]): Promise<void> {
    for (const event of events) {
      this.stream.send('0', { enqueuedTime: event.at });
      await this.append(event);
    }
  }

  /** Ingest commits an event that waited. */
  async append(event: Happened, header: Partial<DataHeader> = {}): Promise<void> {
    if (!this.#isCreated) await this.writer.create();
    this.#isCreated = true;
    await this.writer.append([rowOf(event)], header);
  }

  /** Events that wait in the stream. */
  wait(...times: readonly number[]): void {
    for (const enqueuedTime of times) this.stream.send('0', { enqueuedTime });
  }

  async declare(group: SecurityGroup): Promise<void> {
    const stored = await this.groups.read(groupKey(group.name));
    await this.groups.write(group, stored?.version ?? null);
  }

  /** The clock goes on to where a window that ends then is due. */
  passEndOf(end: number): void {
    this.now = end + GRACE_MS + CLOCK_SLACK_MS;
  }

  due(): Promise<readonly WindowTask[]> {
    return dueWindows(this.services);
  }

  /** One run of the timer: every window that is due and closed is done. Gives those that were. */
  async run(services: WindowServices = this.services): Promise<WindowTask[]> {
    const done: WindowTask[] = [];
    for (const window of await dueWindows(services)) {
      const summary = await closeWindow(services, PARTITION, window);
      if (summary === null) continue;
      await finishWindow(services, window, summary);
      done.push(window);
    }
    return done;
  }

  async allAlerts(): Promise<Alert[]> {
    const all: Alert[] = [];
    for await (const alert of this.alerts.list()) all.push(alert);
    return all;
  }
}
