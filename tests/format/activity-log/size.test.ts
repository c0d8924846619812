import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';
import type { DeviceEvent } from '../../../shared/domain/telemetry/device-event.ts';
import { parseInstant } from '../../../shared/domain/time/instant.ts';
import { encodeBlock } from '../../../shared/format/activity-log/block.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { readDeviceEvent } from '../../../shared/format/trigger/device-event.ts';
import { NO_GROUPS } from '../../../shared/domain/security-group/security-group.ts';
import { CompiledGroups } from '../../../shared/pipeline/ingest/compiled-groups.ts';
import { buildRows } from '../../../shared/pipeline/ingest/build-rows.ts';
import { RecentBodies } from '../../../shared/pipeline/log/recent-bodies.ts';
import { DEFAULT_SETTINGS } from '../../../shared/pipeline/settings.ts';
import { headerFor } from './blocks.ts';

interface CapturedLine {
  readonly partitionId: number;
  readonly sequenceNumber: number;
  readonly enqueuedTime: string;
  readonly properties: Record<string, unknown>;
  readonly systemProperties: Record<string, unknown>;
  readonly body: string;
}

/** The sample fleet's messages by partition, in order. */
function sampleFleet(): DeviceEvent[][] {
  const file = new URL('../../../local/samples/fleet/capture.ndjson.gz', import.meta.url);
  const partitions = new Map<number, DeviceEvent[]>();
  for (const line of gunzipSync(readFileSync(file)).toString('utf8').split('\n')) {
    if (line === '') continue;
    const event = JSON.parse(line) as CapturedLine;
    const list = partitions.get(event.partitionId) ?? [];
    partitions.set(event.partitionId, list);
    list.push(
      readDeviceEvent(
        event.sequenceNumber,
        parseInstant(event.enqueuedTime)!,
        event.properties,
        event.systemProperties,
        Buffer.from(event.body, 'base64'),
      ),
    );
  }
  return [...partitions.values()];
}

describe('the log of the sample fleet', () => {
  it('takes less than 40 bytes a message, in blocks of a thousand', () => {
    const intelligence = { index: openSnapshot(buildSnapshot([])), allowlist: [] };
    const nothing = { intelligence, groups: new CompiledGroups(NO_GROUPS) };
    const settings = { ...DEFAULT_SETTINGS, hub: 'test-hub' };
    let messages = 0;
    let bodies = 0;
    let connections = 0;
    let bytes = 0;
    for (const events of sampleFleet()) {
      for (let from = 0; from + 1000 <= events.length; from += 1000) {
        const batch = events.slice(from, from + 1000);
        const recent = new RecentBodies(-Infinity);
        const rows = buildRows(batch, recent, nothing, settings, new ConnectionTable());
        const header = headerFor([], {
          fromSequence: from,
          toSequence: from + 999,
          firstHubTime: 0,
          lastHubTime: 0,
        });
        messages += batch.length;
        connections += rows.connections.count;
        bodies += batch.reduce((sum, event) => sum + event.body.length, 0);
        bytes += encodeBlock(header, rows, codec).length;
      }
    }
    assert.ok(messages > 30_000, `${messages} messages`);
    assert.ok(connections > 1.5 * messages, `${connections} connections`);
    assert.ok(bytes / messages < 40, `${bytes / messages} bytes a message`);
    assert.ok(bytes * 5 < bodies, `${bytes} bytes of log for ${bodies} bytes of messages`);
  });
});
