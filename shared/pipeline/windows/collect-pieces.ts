// Gathers the rows of a slice of the log by the piece of time that they belong to.
import type { DeviceActivity } from '../../domain/window/device-activity.ts';
import {
  type FiveTuples,
  NO_TUPLES,
  TUPLE_WORDS,
  mergedTuples,
  setTuple,
  sortedTuples,
} from '../../domain/window/five-tuples.ts';
import { PIECE_MS, alignedDown } from '../../domain/window/window.ts';
import { type ActivityRows, COUNTED, OTHER } from '../../format/activity-log/rows.ts';

interface Collected {
  readonly deviceId: string;
  securityGroup: string;
  seen: { first: number; last: number } | null;
  deletedAt: number | null;
  messages: number;
  twinUpdates: number;
  /** What was compacted already. */
  tuples: FiveTuples;
  /** As they came. */
  fresh: Uint32Array;
  used: number;
}

/** Words that wait unsorted, over all devices: 64 MB. What a flood repeats is little when it is sorted. */
const COMPACT_WORDS = 2 ** 24;

/** Activity of some rows, by device and piece. Which piece a row belongs to is IoT Hub's time; the caller chooses the rows. */
export class PieceCollector {
  /** Devices by the start of the piece. */
  readonly #pieces = new Map<number, Map<string, Collected>>();
  #waiting = 0;

  /** Adds a row of a block. Rows of nobody (no device id) count nowhere. */
  add(rows: ActivityRows, row: number): void {
    const { deviceId, securityGroup } = rows.deviceOf(row);
    const kind = rows.kindOf(row);
    const topic = rows.topicOf(row);
    if (deviceId === '' || (kind === OTHER && topic === 'telemetry')) return;
    const time = rows.hubTime[row]!;
    const device = this.#device(alignedDown(time, PIECE_MS), deviceId, securityGroup);
    if (kind === OTHER) {
      if (topic === 'twinUpdate') device.twinUpdates++;
      else device.deletedAt = Math.max(time, device.deletedAt ?? -Infinity);
      return;
    }
    if (device.seen === null) device.seen = { first: time, last: time };
    else device.seen.first = Math.min(device.seen.first, time);
    if (time >= device.seen.last) {
      device.seen.last = time;
      device.securityGroup = securityGroup;
    }
    if (kind !== COUNTED || rows.isRepeat(row)) return;
    device.messages++;
    this.#addConnections(device, rows, rows.connectionStart[row]!, rows.connectionStart[row + 1]!);
  }

  /** Each piece's start and its devices, both ascending. Ends the collection. */
  take(): { readonly start: number; readonly devices: readonly DeviceActivity[] }[] {
    const pieces = [...this.#pieces].sort(([a], [b]) => a - b);
    this.#pieces.clear();
    this.#waiting = 0;
    return pieces.map(([start, devices]) => ({
      start,
      devices: [...devices.values()]
        .sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
        .map((device) => {
          const { deviceId, securityGroup, seen, deletedAt, messages, twinUpdates } = device;
          const tuples = compacted(device);
          return { deviceId, securityGroup, seen, deletedAt, messages, twinUpdates, tuples };
        }),
    }));
  }

  #device(piece: number, deviceId: string, securityGroup: string): Collected {
    let devices = this.#pieces.get(piece);
    if (devices === undefined) this.#pieces.set(piece, (devices = new Map()));
    let device = devices.get(deviceId);
    if (device === undefined) {
      device = {
        deviceId,
        securityGroup,
        seen: null,
        deletedAt: null,
        messages: 0,
        twinUpdates: 0,
        tuples: NO_TUPLES,
        fresh: NO_TUPLES,
        used: 0,
      };
      devices.set(deviceId, device);
    }
    return device;
  }

  #addConnections(device: Collected, rows: ActivityRows, from: number, to: number): void {
    const { connections: table } = rows;
    const needed = device.used + (to - from) * TUPLE_WORDS;
    if (needed > device.fresh.length) {
      const grown = new Uint32Array(Math.max(needed, device.fresh.length * 2));
      grown.set(device.fresh.subarray(0, device.used));
      device.fresh = grown;
    }
    for (let c = from; c < to; c++) {
      const ports = table.localPort[c]! * 65_536 + table.remotePort[c]!;
      const { family, protocol, local, remote } = table;
      setTuple(device.fresh, device.used, family[c]!, protocol[c]!, local, remote, c, ports);
      device.used += TUPLE_WORDS;
    }
    this.#waiting += (to - from) * TUPLE_WORDS;
    if (this.#waiting >= COMPACT_WORDS) this.#compact();
  }

  #compact(): void {
    for (const devices of this.#pieces.values()) {
      for (const device of devices.values()) {
        device.tuples = compacted(device);
        device.fresh = NO_TUPLES;
        device.used = 0;
      }
    }
    this.#waiting = 0;
  }
}

function compacted({ tuples, fresh, used }: Collected): FiveTuples {
  return mergedTuples(tuples, sortedTuples(fresh.subarray(0, used)));
}
