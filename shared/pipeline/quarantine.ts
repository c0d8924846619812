import type { BlockCodec } from '../format/activity-log/layout.ts';
import { readRows } from '../format/activity-log/block.ts';
import type { ActivityLog, PartitionRef } from '../ports/activity-log.ts';
import { readForward } from './log/read-log.ts';

/** A message that was refused, where it stands in the log. */
export interface QuarantinedMessage extends PartitionRef {
  readonly epoch: number;
  readonly sequence: number;
  readonly hubTime: number;
  readonly deviceId: string;
  readonly moduleId: string | null;
  readonly reason: string;
  readonly raw: Uint8Array;
}

/** Every quarantined message of a partition in log order; blocks without one stay packed. */
export async function* quarantinedIn(
  log: ActivityLog,
  partition: PartitionRef,
  codec: BlockCodec,
): AsyncGenerator<QuarantinedMessage> {
  for await (const { block } of readForward(log, partition, null, codec)) {
    const { header } = block;
    if (header.kind === 'close' || header.rows.quarantined === 0) continue;
    const rows = readRows({ ...block, header }, codec);
    for (const { row, reason, raw } of rows.quarantined) {
      const { deviceId, moduleId } = rows.deviceOf(row);
      yield {
        ...partition,
        epoch: header.epoch,
        sequence: header.fromSequence + row,
        hubTime: rows.hubTime[row]!,
        deviceId,
        moduleId,
        reason,
        raw,
      };
    }
  }
}
