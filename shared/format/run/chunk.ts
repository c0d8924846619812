// Some devices of a run. Unpacked, n devices with t tuples together:
//
//   JSON      varint length, then ASCII bytes: [[deviceId, index into groups], …] behind the groups: {"groups": […], "devices": […]}
//   seen      n × varint: 0, the device sent no security message; else time of the last one minus time of the first one, plus 1
//   first     for each of those: zigzag, time of the first message minus that of the device before (the first: minus 0)
//   deleted   n × u8: 1, its identity was deleted, else 0
//   when      for each of those: zigzag, time
//   messages  n × varint        twins  n × varint
//   tuples    n × varint, how many the device has
//   t         varint; then 10 columns of t × u32, the key words (five-tuples.ts), and t × varint records
//
// Columns, because neighbours in them are alike: zstd makes about 9 bytes of a tuple's 44.
import type { DeviceActivity } from '../../domain/window/device-activity.ts';
import {
  type FiveTuples,
  MAX_TUPLES,
  TUPLE_WORDS,
  countOf,
} from '../../domain/window/five-tuples.ts';
import { ByteReader } from '../activity-log/byte-reader.ts';
import { ByteWriter } from '../activity-log/byte-writer.ts';
import { asciiBytes, parseAsciiJson, toAsciiJson } from '../ascii-json.ts';
import { RunFormatError } from './layout.ts';

const KEY_WORDS = TUPLE_WORDS - 1;

export function encodeChunk(devices: readonly DeviceActivity[]): Uint8Array {
  const total = devices.reduce((sum, { tuples }) => sum + countOf(tuples), 0);
  const out = new ByteWriter(256 + devices.length * 64 + total * 44);
  const groups = [...new Set(devices.map(({ securityGroup }) => securityGroup))];
  const place = new Map(groups.map((group, i) => [group, i]));
  const json = asciiBytes(
    toAsciiJson({
      groups,
      devices: devices.map(({ deviceId, securityGroup }) => [deviceId, place.get(securityGroup)]),
    }),
  );
  out.varint(json.length);
  out.raw(json);
  for (const { seen } of devices) out.varint(seen === null ? 0 : seen.last - seen.first + 1);
  let before = 0;
  for (const { seen } of devices) {
    if (seen === null) continue;
    out.zigzag(seen.first - before);
    before = seen.first;
  }
  for (const { deletedAt } of devices) out.u8(deletedAt === null ? 0 : 1);
  for (const { deletedAt } of devices) if (deletedAt !== null) out.zigzag(deletedAt);
  for (const { messages } of devices) out.varint(messages);
  for (const { twinUpdates } of devices) out.varint(twinUpdates);
  for (const { tuples } of devices) out.varint(countOf(tuples));
  out.varint(total);
  for (let word = 0; word < KEY_WORDS; word++) {
    for (const { tuples } of devices) {
      for (let at = word; at < tuples.length; at += TUPLE_WORDS) out.u32(tuples[at]!);
    }
  }
  for (const { tuples } of devices) {
    for (let at = KEY_WORDS; at < tuples.length; at += TUPLE_WORDS) out.varint(tuples[at]!);
  }
  return out.written();
}

/** Checks every count against the bytes that are left; the order of devices is the reader's matter. */
export function decodeChunk(bytes: Uint8Array): DeviceActivity[] {
  const input = new ByteReader(bytes);
  const { groups, devices } = readLists(input.raw(input.varint()));
  const n = devices.length;
  const numbers = () => Array.from({ length: n }, () => input.varint());
  const seen: DeviceActivity['seen'][] = [];
  const spans = numbers();
  let first = 0;
  for (const span of spans) {
    if (span > 0) first += input.zigzag();
    seen.push(span === 0 ? null : { first, last: first + span - 1 });
  }
  const isDeleted = devices.map(() => input.u8() === 1);
  const deletedAt = isDeleted.map((deleted) => (deleted ? input.zigzag() : null));
  const messages = numbers();
  const twinUpdates = numbers();
  const counts = numbers();
  const total = input.count(4 * KEY_WORDS + 1);
  if (counts.reduce((sum, count) => sum + count, 0) !== total) {
    throw new RunFormatError(`the devices do not own the ${total} tuples of the chunk`);
  }
  const words = new Uint32Array(total * TUPLE_WORDS);
  for (let word = 0; word < KEY_WORDS; word++) {
    for (let at = word; at < words.length; at += TUPLE_WORDS) words[at] = input.u32();
  }
  for (let at = KEY_WORDS; at < words.length; at += TUPLE_WORDS) {
    const records = input.varint();
    if (records > 0xffff_ffff) throw new RunFormatError(`a tuple of ${records} records`);
    words[at] = records;
  }
  if (input.remaining !== 0) {
    throw new RunFormatError(`${input.remaining} bytes stand behind the last column`);
  }
  let from = 0;
  return devices.map(([deviceId, group], i) => {
    const count = counts[i]!;
    const tuples: FiveTuples = words.subarray(from, (from += count * TUPLE_WORDS));
    if (count > MAX_TUPLES || group >= groups.length) {
      throw new RunFormatError(`device ${i} has ${count} tuples, or a group that is not there`);
    }
    return {
      deviceId,
      securityGroup: groups[group]!,
      seen: seen[i]!,
      deletedAt: deletedAt[i]!,
      messages: messages[i]!,
      twinUpdates: twinUpdates[i]!,
      tuples,
    };
  });
}

function readLists(bytes: Uint8Array): { groups: string[]; devices: [string, number][] } {
  const raw = parseAsciiJson(
    bytes,
    (cause) => new RunFormatError('the lists of the chunk do not parse', { cause }),
  ) as Record<string, unknown> | null;
  const { groups, devices } = raw ?? {};
  const whole =
    Array.isArray(groups) &&
    groups.every((group) => typeof group === 'string') &&
    Array.isArray(devices) &&
    devices.every(isDevice);
  if (!whole) throw new RunFormatError('the chunk has no lists of groups and devices');
  return { groups, devices };
}

function isDevice(value: unknown): value is [string, number] {
  if (!Array.isArray(value)) return false;
  const [id, group] = value as unknown[];
  return typeof id === 'string' && Number.isSafeInteger(group) && (group as number) >= 0;
}
