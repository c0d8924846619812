// Runs for the tests, whole: what the writer makes of devices, and what the reader makes of bytes.
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import * as fc from 'fast-check';
import type { DeviceActivity } from '../../../shared/domain/window/device-activity.ts';
import type { RunHeader } from '../../../shared/format/run/header.ts';
import { RunReader } from '../../../shared/format/run/read-run.ts';
import { RunWriter } from '../../../shared/format/run/write-run.ts';
import { activity } from '../../domain/window/tuples.ts';

export const HEADER: RunHeader = {
  stream: 'test~devices',
  partition: '0',
  piece: { start: 1_787_400_000_000, end: 1_787_400_300_000 },
  sliceEnd: 1_787_400_300_000,
  position: { epoch: 1, sequence: 70 },
  groupsRevision: 3,
};

export function runOf(
  devices: readonly DeviceActivity[],
  header: Partial<RunHeader> = {},
): Uint8Array {
  const writer = new RunWriter(codec);
  const parts = [writer.begin({ ...HEADER, ...header })];
  for (const device of devices) parts.push(writer.add(device) ?? new Uint8Array(0));
  return new Uint8Array(Buffer.concat([...parts, writer.end()]));
}

export function readWhole(
  bytes: Uint8Array,
  pieceBytes = bytes.length,
): { readonly header: RunHeader | null; readonly devices: readonly DeviceActivity[] } {
  const reader = new RunReader(codec);
  const devices: DeviceActivity[] = [];
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    devices.push(...reader.push(bytes.subarray(from, from + pieceBytes)));
  }
  reader.end();
  return { header: reader.header, devices };
}

const id = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '"', '\\', '\0', '\u007f', 'Gerät', '\u{1f4a1}', '\ud800', '__proto__'),
);
const time = fc.oneof(
  fc.integer({ min: 1_787_400_000_000, max: 1_787_400_300_000 }),
  fc.constantFrom(0, -1, -62_167_219_200_000, 253_402_300_799_999),
);

/** In order of id, none twice. */
export const devices: fc.Arbitrary<readonly DeviceActivity[]> = fc
  .uniqueArray(id, { maxLength: 12 })
  .chain((ids) =>
    fc.tuple(
      ...ids.sort().map((deviceId) =>
        fc
          .record({ one: activity, group: id, deletedAt: fc.option(time), at: time, until: time })
          .map(({ one, group, deletedAt, at, until }) => ({
            ...one,
            deviceId,
            securityGroup: group,
            deletedAt,
            seen:
              one.seen === null ? null : { first: Math.min(at, until), last: Math.max(at, until) },
          })),
      ),
    ),
  );
