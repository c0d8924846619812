import type { PartitionRef } from '../../shared/ports/activity-log.ts';

/** Where a message stands in the log, as people type it: `stream/partition/epoch/sequence`. */
export interface MessagePlace extends PartitionRef {
  readonly epoch: number;
  readonly sequence: number;
}

export function nameOfMessage({ stream, partition, epoch, sequence }: MessagePlace): string {
  return `${stream}/${partition}/${epoch}/${sequence}`;
}

/** Null for text that is no such name. */
export function parseMessageName(text: string): MessagePlace | null {
  const parts = /^([^/]+)\/([^/]+)\/(\d{1,10})\/(\d{1,16})$/.exec(text);
  if (parts === null) return null;
  const [, stream, partition, epoch, sequence] = parts;
  return {
    stream: stream!,
    partition: partition!,
    epoch: Number(epoch),
    sequence: Number(sequence),
  };
}
