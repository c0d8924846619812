// The pipeline on memory stores, with the pieces that a test wants to hold in its hands.
import { parsePrefix } from '../../shared/domain/address/prefix.ts';
import { type Alert, shownTally } from '../../shared/domain/alert/alert.ts';
import { type Block, readRows } from '../../shared/format/activity-log/block.ts';
import type { BlockHeader, DataHeader } from '../../shared/format/activity-log/header.ts';
import { buildSnapshot } from '../../shared/format/indicator-snapshot/build-snapshot.ts';
import type { SnapshotFeed } from '../../shared/format/indicator-snapshot/collect.ts';
import { toDeviceEvent } from '../../shared/pipeline/ingest/fill-gap.ts';
import { zstdBlockCodec as codec } from '../../shared/adapters/node/block-codec.ts';
import { MemoryActivityLog } from '../../shared/adapters/memory/activity-log.ts';
import { MemoryAlertStore } from '../../shared/adapters/memory/alert-store.ts';
import { MemoryCheckpoints } from '../../shared/adapters/memory/checkpoints.ts';
import { MemoryDeviceStream } from '../../shared/adapters/memory/device-stream.ts';
import { MemoryIndicatorSnapshots } from '../../shared/adapters/memory/indicator-snapshots.ts';
import { MemorySecurityGroups } from '../../shared/adapters/memory/security-groups.ts';
import { AlertOpener } from '../../shared/pipeline/alerts.ts';
import { CatchUp } from '../../shared/pipeline/catch-up.ts';
import { type FoldServices } from '../../shared/pipeline/fold.ts';
import { foldActivityLog } from './fold-log.ts';
import { CurrentGroups } from '../../shared/pipeline/ingest/current-groups.ts';
import { CurrentSnapshot } from '../../shared/pipeline/ingest/current-snapshot.ts';
import { Ingest, type IngestSummary } from '../../shared/pipeline/ingest/ingest.ts';
import { type HuntRun, huntIndicators } from '../../shared/pipeline/hunt/hunt-indicators.ts';
import type { HuntServices } from '../../shared/pipeline/hunt/hunt-publications.ts';
import { readForward } from '../../shared/pipeline/log/read-log.ts';
import { publishSnapshot } from './publish-snapshot.ts';
import { DEFAULT_SETTINGS, type DetectionSettings } from '../../shared/pipeline/settings.ts';
import type { ActivityLog } from '../../shared/ports/activity-log.ts';
import type { AlertStore } from '../../shared/ports/alert-store.ts';
import type { DeviceStream, StreamEvent } from '../../shared/ports/device-stream.ts';
import type { IndicatorSnapshots } from '../../shared/ports/indicator-snapshots.ts';
import type { SecurityGroups } from '../../shared/ports/security-groups.ts';
import { type SentConnection, encodeMessage } from './encode-message.ts';

export const STREAM = 'test~devices';
export const LISTED = '192.0.2.10';
/** 2026-08-22T11:10:00Z, ten minutes into an hour. */
export const START = 1_787_397_000_000;
export const SECOND = 1000;
export const MINUTE = 60_000;

export interface SentMessage {
  readonly device?: string;
  readonly connections?: readonly SentConnection[];
  readonly body?: Uint8Array;
  /** Event Hubs time; IoT Hub's is one second before unless given. */
  readonly at?: number;
  readonly hubTime?: number;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Ports that one instance sees instead of the plain memory ones. */
export interface SeenPorts {
  readonly log?: ActivityLog;
  readonly alerts?: AlertStore;
  readonly stream?: DeviceStream;
  readonly snapshots?: IndicatorSnapshots;
  readonly groups?: SecurityGroups;
}

export interface Instance {
  readonly ingest: Ingest;
  readonly catchUp: CatchUp;
  deliver(events: readonly StreamEvent[], partition?: string): Promise<IngestSummary>;
}

export class IngestWorld {
  now = START;
  readonly stream = new MemoryDeviceStream(['0']);
  readonly log = new MemoryActivityLog();
  readonly alerts = new MemoryAlertStore();
  readonly checkpoints = new MemoryCheckpoints();
  readonly snapshots = new MemoryIndicatorSnapshots();
  readonly groups = new MemorySecurityGroups();
  readonly settings: DetectionSettings;
  readonly #clock = { now: () => this.now };
  #messages = 0;

  constructor(settings: Partial<DetectionSettings> = {}) {
    this.settings = { ...DEFAULT_SETTINGS, hub: 'test-hub', ...settings };
  }

  async list(...addresses: readonly string[]): Promise<void> {
    const indicators = addresses.map((text) => ({ prefix: parsePrefix(text)!, detail: null }));
    await this.publish({ name: 'feed', kind: 'threat', indicators });
  }

  async publish(...feeds: readonly SnapshotFeed[]): Promise<void> {
    await publishSnapshot(this.snapshots, this.#clock, buildSnapshot(feeds));
  }

  /** Sends messages, one a second unless they say when; each has bytes of its own. */
  send(...messages: readonly SentMessage[]): readonly StreamEvent[] {
    return messages.flatMap((message) => {
      const enqueuedTime = message.at ?? this.now;
      const hubTime = message.hubTime ?? enqueuedTime - SECOND;
      this.now = Math.max(this.now, enqueuedTime) + SECOND;
      this.#messages++;
      const connections = message.connections ?? [{ remote: LISTED, bytesIn: 1, bytesOut: 2 }];
      return this.stream.send('0', {
        enqueuedTime,
        body: message.body ?? encodeMessage(connections, 1_700_000_000 + this.#messages),
        properties: message.properties ?? { mti: '2.3-1-0-0', securityGroup: 'cameras' },
        systemProperties: {
          'iothub-connection-device-id': message.device ?? 'cam-1',
          'iothub-enqueuedtime': new Date(hubTime).toISOString(),
        },
      });
    });
  }

  instance(ports: SeenPorts = {}, name = 'I'): Instance {
    const services = {
      log: ports.log ?? this.log,
      stream: ports.stream ?? this.stream,
      clock: this.#clock,
      codec,
      settings: this.settings,
    };
    const alertStore = ports.alerts ?? this.alerts;
    const ingest = new Ingest({
      ...services,
      snapshot: new CurrentSnapshot(
        ports.snapshots ?? this.snapshots,
        this.#clock,
        this.settings.snapshotFreshMs,
      ),
      groups: new CurrentGroups(
        ports.groups ?? this.groups,
        this.#clock,
        this.settings.groupsFreshMs,
      ),
      writerId: name,
      alerts: new AlertOpener(alertStore, this.#clock, this.settings.hub),
    });
    return {
      ingest,
      catchUp: new CatchUp({ ...services, ingest, alertStore }),
      deliver: (events, partition = '0') =>
        ingest.ingest({ stream: STREAM, partition, events: events.map(toDeviceEvent) }),
    };
  }

  async fold(ports: Partial<FoldServices> = {}) {
    return foldActivityLog({
      log: this.log,
      alerts: this.alerts,
      checkpoints: this.checkpoints,
      clock: this.#clock,
      codec,
      hub: this.settings.hub,
      ...ports,
    });
  }

  huntServices(ports: Partial<HuntServices> = {}): HuntServices {
    return {
      log: this.log,
      alerts: this.alerts,
      checkpoints: this.checkpoints,
      snapshots: this.snapshots,
      intelligence: new CurrentSnapshot(ports.snapshots ?? this.snapshots, this.#clock, 0),
      clock: this.#clock,
      codec,
      hub: this.settings.hub,
      ephemeralPortFrom: this.settings.ephemeralPortFrom,
      lookbackMs: 14 * 24 * 60 * MINUTE,
      ...ports,
    };
  }

  /** One run of the timer; throws the first of what stopped hunts. */
  async hunt(ports: Partial<HuntServices> = {}): Promise<HuntRun['summary'] | null> {
    const run = await huntIndicators(this.huntServices(ports));
    if (run !== null && run.errors.length > 0) throw run.errors[0];
    return run?.summary ?? null;
  }

  /** Every block of partition 0, closing ones too. */
  async headers(): Promise<BlockHeader[]> {
    const headers: BlockHeader[] = [];
    for await (const { block } of this.#blocks()) headers.push(block.header);
    return headers;
  }

  async dataHeaders(): Promise<DataHeader[]> {
    return (await this.headers()).filter((header) => header.kind === 'data');
  }

  /** `epoch/sequence` of every row, with a mark: r repeat, q quarantined, o other. */
  async rows(): Promise<string[]> {
    const names: string[] = [];
    for await (const { block } of this.#blocks()) {
      const { header } = block;
      if (header.kind === 'close') continue;
      const rows = readRows({ ...block, header }, codec);
      for (let i = 0; i < rows.count; i++) {
        const mark = rows.isRepeat(i) ? 'r' : ['', 'q', 'o'][rows.kindOf(i)]!;
        names.push(`${header.epoch}/${header.fromSequence + i}${mark}`);
      }
    }
    return names;
  }

  async allAlerts(): Promise<Alert[]> {
    const all: Alert[] = [];
    for await (const alert of this.alerts.list()) all.push(alert);
    return all.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Address alerts as `device address severity messages/connections in/out`. */
  async shown(): Promise<string[]> {
    const lines: string[] = [];
    for (const alert of await this.allAlerts()) {
      if (alert.subject.kind !== 'address') continue;
      const { messages, connections, bytesIn, bytesOut } = shownTally(alert)!.totals;
      lines.push(
        `${alert.deviceId} ${alert.subject.address} ${alert.severity} ${messages}/${connections} ${bytesIn}/${bytesOut}`,
      );
    }
    return lines.sort();
  }

  async gaps(): Promise<{ range: string; provisional: unknown; status: string }[]> {
    return (await this.allAlerts())
      .filter((alert) => alert.alertType === 'TW_StreamGap')
      .map(({ facts, status }) => ({
        range: `${String(facts!['epoch'])}/${String(facts!['from'])}-${String(facts!['to'])}`,
        provisional: facts!['provisional'],
        status,
      }));
  }

  #blocks(): AsyncGenerator<{ block: Block }> {
    return readForward(this.log, { stream: STREAM, partition: '0' }, null, codec);
  }
}

/** A port of which some methods are replaced. */
export function altered<P extends object>(port: P, changes: Partial<P>): P {
  return new Proxy(port, {
    get(target, property) {
      const member: unknown = Reflect.get(property in changes ? changes : target, property);
      return typeof member === 'function'
        ? member.bind(property in changes ? changes : target)
        : member;
    },
  });
}
