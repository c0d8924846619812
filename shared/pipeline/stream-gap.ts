import type { PlatformFinding } from '../domain/alert/alert.ts';
import type { SequenceRange } from '../format/activity-log/header.ts';
import type { PartitionRef } from '../ports/activity-log.ts';
import { streamGap } from '../rules/platform/stream-gap.ts';

/**
 * A range of sequence numbers that nobody read. Provisional while no block says so: the stream was found empty behind
 * the log's end, but a slower reader may still commit what it holds.
 */
export function streamGapFinding(
  { stream, partition }: PartitionRef,
  epoch: number,
  lost: SequenceRange,
  provisional: boolean,
): PlatformFinding {
  return {
    alertType: streamGap.alertType,
    severity: streamGap.severity,
    component: 'stream',
    key: `${stream}/${partition}/${epoch}/${lost.from}-${lost.to}`,
    facts: { stream, partition, epoch, ...lost, messages: lost.to - lost.from + 1, provisional },
  };
}
