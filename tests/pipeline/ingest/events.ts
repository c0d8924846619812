// Events and snapshots for the tests of ingest.
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import type { AllowEntry } from '../../../shared/domain/indicator/allowlist.ts';
import { type GroupSet, NO_GROUPS } from '../../../shared/domain/security-group/security-group.ts';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';
import type { DeviceEvent } from '../../../shared/domain/telemetry/device-event.ts';
import { encodeBlock, readBlock, readRows } from '../../../shared/format/activity-log/block.ts';
import type { ActivityRows } from '../../../shared/format/activity-log/rows.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { buildRows } from '../../../shared/pipeline/ingest/build-rows.ts';
import { CompiledGroups } from '../../../shared/pipeline/ingest/compiled-groups.ts';
import { RecentBodies } from '../../../shared/pipeline/log/recent-bodies.ts';
import { DEFAULT_SETTINGS } from '../../../shared/pipeline/settings.ts';
import { type TestRow, fromRows, headerFor } from '../../format/activity-log/blocks.ts';
import { type TestFeed, listed, threats } from '../../format/indicator-snapshot/feeds.ts';
import { type SentConnection, encodeMessage } from '../../support/encode-message.ts';

export const AT = 1_787_400_000_000;
export const HORIZON = DEFAULT_SETTINGS.repeatHorizonMs;
export const SETTINGS = { ...DEFAULT_SETTINGS, hub: 'test-hub' };

/** A security message of one device with these connections. */
export function deviceEvent(
  connections: readonly SentConnection[] = [],
  fields: Partial<DeviceEvent> = {},
): DeviceEvent {
  return {
    sequenceNumber: 0,
    enqueuedTime: AT + 100,
    hubTime: AT,
    deviceId: 'device-1',
    moduleId: null,
    securityGroup: 'default',
    isSecurityMessage: true,
    mti: '2.3-1-0-0',
    body: encodeMessage(connections),
    ...fields,
  };
}

export function snapshotOf(...feeds: readonly TestFeed[]): IndicatorSnapshot {
  return openSnapshot(buildSnapshot(feeds));
}

/** A snapshot of one feed that says nothing beside the addresses. */
export function listing(...texts: readonly string[]): IndicatorSnapshot {
  return snapshotOf(threats('test.txt', ...texts.map((text) => listed(text))));
}

export function build(
  events: readonly DeviceEvent[],
  snapshot: IndicatorSnapshot = listing(),
  recent: RecentBodies = new RecentBodies(-Infinity),
  allowlist: readonly AllowEntry[] = [],
  groups: GroupSet = NO_GROUPS,
): ActivityRows {
  const intelligence = { index: snapshot, allowlist };
  const judges = { intelligence, groups: new CompiledGroups(groups) };
  return buildRows(events, recent, judges, SETTINGS, new ConnectionTable());
}

/** What the log says of these rows: written and read again. */
export function logged(rows: ActivityRows): TestRow[] {
  const header = headerFor([], {
    fromSequence: 0,
    toSequence: rows.count - 1,
    firstHubTime: AT,
    lastHubTime: AT,
  });
  const block = readBlock(encodeBlock(header, rows, codec), 0, codec);
  return fromRows(readRows({ ...block!, header }, codec));
}
