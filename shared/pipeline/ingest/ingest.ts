import type { EventBatch } from '../../format/trigger/event-batch.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import type { AlertOpener } from '../alerts.ts';
import { sightingsOf } from '../sightings.ts';
import { streamGapFinding } from '../stream-gap.ts';
import { type CommittedBlock, PartitionWriter, type WriterServices } from './partition-writer.ts';

export interface IngestServices extends WriterServices {
  readonly alerts: AlertOpener;
}

/** What a batch became, for the log line. */
export interface IngestSummary {
  readonly events: number;
  blocks: number;
  counted: number;
  repeats: number;
  quarantined: number;
  other: number;
  findings: number;
  /** Connections that the allowlist kept from being findings. */
  allowed: number;
}

/** The writers of this instance, one for each partition that it was handed. */
export class Ingest {
  readonly #services: IngestServices;
  readonly #writers = new Map<string, PartitionWriter>();

  constructor(services: IngestServices) {
    this.#services = services;
  }

  /**
   * Commits a batch and opens its alerts. Delivered twice it leaves the same state. Throws while a dependency is down:
   * the host retries without limit, and bytes that can never succeed are quarantined instead.
   */
  async ingest(batch: EventBatch): Promise<IngestSummary> {
    const summary: IngestSummary = {
      events: batch.events.length,
      blocks: 0,
      counted: 0,
      repeats: 0,
      quarantined: 0,
      other: 0,
      findings: 0,
      allowed: 0,
    };
    const writer = this.writerOf(batch);
    await writer.exclusively(() =>
      writer.commit(batch.events, async (block) => {
        const { rows, findings } = block.header;
        summary.blocks++;
        summary.counted += rows.counted;
        summary.repeats += rows.repeats;
        summary.quarantined += rows.quarantined;
        summary.other += rows.other;
        summary.findings += findings;
        summary.allowed += block.rows.allowed;
        await this.raise(writer.ref, block);
      }),
    );
    return summary;
  }

  writerOf({ stream, partition }: PartitionRef): PartitionWriter {
    const key = `${stream}/${partition}`;
    let writer = this.#writers.get(key);
    if (writer === undefined) {
      writer = new PartitionWriter({ stream, partition }, this.#services);
      this.#writers.set(key, writer);
    }
    return writer;
  }

  /** After the append, never before it; what fails here, the fold does. */
  async raise(ref: PartitionRef, { header, rows }: CommittedBlock): Promise<void> {
    const { alerts } = this.#services;
    if (header.lost !== null) {
      await alerts.raise(streamGapFinding(ref, header.epoch, header.lost, false));
    }
    await alerts.open(sightingsOf(header, rows));
  }
}
