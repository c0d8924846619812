// Activity logs for the tests: any number of files and epochs, with what was written kept beside them.
import * as fc from 'fast-check';
import { MemoryActivityLog } from '../../../shared/adapters/memory/activity-log.ts';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { encodeBlock, encodeClosingBlock } from '../../../shared/format/activity-log/block.ts';
import type {
  BlockHeader,
  CloseHeader,
  DataHeader,
} from '../../../shared/format/activity-log/header.ts';
import { NO_REMOTES } from '../../../shared/format/activity-log/remote-addresses.ts';
import { COUNTED, OTHER, QUARANTINED } from '../../../shared/format/activity-log/rows.ts';
import { FIRST_FILE, hourOf, nextFileName } from '../../../shared/pipeline/log/file-name.ts';
import type { LogFile, PartitionRef } from '../../../shared/ports/activity-log.ts';
import { type TestRow, headerFor, testRow, toRows } from '../../format/activity-log/blocks.ts';

export const PARTITION = { stream: 'test~devices', partition: '0' };
export const START = 1_787_400_000_000;
export const MINUTE = 60_000;

export interface WrittenBlock {
  readonly file: string;
  readonly offset: number;
  readonly header: BlockHeader;
  readonly rows: readonly TestRow[];
}

/** What the last file of a log is: open, closed, or created empty behind a closed one. */
export type LogEnd = 'open' | 'closed' | 'emptyNext';

/** Appends blocks as a writer does, rolls files when told, and remembers. */
export class LogWriter {
  readonly log = new MemoryActivityLog();
  readonly blocks: WrittenBlock[] = [];
  file = FIRST_FILE;
  #length = 0;
  #index = 0;
  #epoch = 0;
  #epochStart = START;
  #sequence = 0;
  hour = hourOf(START);

  async create(): Promise<void> {
    await this.log.create(PARTITION, this.file);
  }

  startEpoch(at: number): void {
    this.#epoch++;
    this.#epochStart = at;
    this.#sequence = 0;
  }

  /** The rows must have rising Event Hubs times. */
  async append(rows: readonly TestRow[], fields: Partial<DataHeader> = {}): Promise<void> {
    const header = headerFor(rows, {
      ...this.#place(),
      epoch: this.#epoch,
      epochStart: this.#epochStart,
      fromSequence: this.#sequence,
      toSequence: this.#sequence + rows.length - 1,
      snapshot: { ordinal: this.blocks.length, id: `snapshot-${this.blocks.length}` },
      ...fields,
    });
    this.#sequence += rows.length;
    await this.#write(header, rows, encodeBlock(header, toRows(rows), codec));
  }

  async close(next: string): Promise<void> {
    const header: CloseHeader = { kind: 'close', ...this.#place(), next, summary: null };
    await this.#write(header, [], encodeClosingBlock(header, NO_REMOTES, codec));
  }

  /** The next file, empty; the one before was closed. */
  async open(next: string, hour: string): Promise<void> {
    await this.log.create(PARTITION, next);
    this.file = next;
    this.hour = hour;
    this.#length = 0;
    this.#index = 0;
  }

  #place() {
    return { index: this.#index, hour: this.hour, writer: 'writer-1' };
  }

  async #write(header: BlockHeader, rows: readonly TestRow[], bytes: Uint8Array): Promise<void> {
    if ((await this.log.append(PARTITION, this.file, this.#length, bytes)) !== 'appended') {
      throw new Error(`${this.file} is not ${this.#length} bytes long`);
    }
    this.blocks.push({ file: this.file, offset: this.#length, header, rows });
    this.#length += bytes.length;
    this.#index++;
  }
}

interface PlannedRow {
  readonly mark: 'counted' | 'repeat' | 'quarantined' | 'other';
  readonly hubOffset: number;
  readonly hash: readonly [low: number, high: number];
}

interface PlannedBlock {
  /** Since the block before. */
  readonly step: number;
  readonly newEpoch: boolean;
  readonly rows: readonly PlannedRow[];
}

export interface LogPlan {
  readonly files: readonly (readonly PlannedBlock[])[];
  readonly end: LogEnd;
}

/** Few hashes, some with one low word, so that bodies meet. */
export const HASHES = [
  [1, 1],
  [1, 2],
  [2, 1],
  [0xffff_ffff, 0],
] as const;

const plannedRow = fc.record<PlannedRow>({
  mark: fc.constantFrom('counted', 'counted', 'repeat', 'quarantined', 'other'),
  // IoT Hub stamps earlier; a clock behind by less than the reader's margin of five minutes may say later.
  hubOffset: fc.oneof(
    fc.integer({ min: -20_000, max: 0 }),
    fc.integer({ min: -10 * MINUTE, max: 5 * MINUTE }),
  ),
  hash: fc.constantFrom(...HASHES),
});
const plannedBlock = fc.record<PlannedBlock>({
  step: fc.integer({ min: 0, max: 8 * MINUTE }),
  newEpoch: fc.nat(7).map((n) => n === 0),
  rows: fc.array(plannedRow, { minLength: 1, maxLength: 5 }),
});
export const logPlan = fc.record<LogPlan>({
  files: fc.array(fc.array(plannedBlock, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
  end: fc.constantFrom<LogEnd>('open', 'closed', 'emptyNext'),
});

export async function writeLog(plan: LogPlan): Promise<LogWriter> {
  const writer = new LogWriter();
  let time = START;
  for (const [index, blocks] of plan.files.entries()) {
    if (index === 0) await writer.create();
    for (const block of blocks) {
      time += block.step;
      if (block.newEpoch) writer.startEpoch(time);
      await writer.append(block.rows.map((row) => rowOf(row, time)));
    }
    const last = index === plan.files.length - 1;
    if (last && plan.end === 'open') break;
    const next = nextFileName(writer.file, hourOf(time));
    await writer.close(next);
    if (!last || plan.end === 'emptyNext') await writer.open(next, hourOf(time));
  }
  return writer;
}

function rowOf({ mark, hubOffset, hash: [hashLow, hashHigh] }: PlannedRow, time: number): TestRow {
  const plain = mark === 'counted';
  return testRow({
    kind: mark === 'quarantined' ? QUARANTINED : mark === 'other' ? OTHER : COUNTED,
    repeat: mark === 'repeat',
    enqueuedTime: time,
    hubTime: time + hubOffset,
    hashLow: mark === 'other' ? 0 : hashLow,
    hashHigh: mark === 'other' ? 0 : hashHigh,
    deviceTimeSeconds: plain ? 1_787_399_990 : 0,
    refused: mark === 'quarantined' ? { reason: 'truncated', raw: [1] } : null,
  });
}

/** Lists a file's old size beside a successor that came later: a listing is no snapshot. */
export class MixedListing extends MemoryActivityLog {
  oldSize = 0;
  lists = 0;

  override async files(partition: PartitionRef, fromName?: string): Promise<readonly LogFile[]> {
    const files = await super.files(partition, fromName);
    if (this.lists++ > 0) return files;
    return files.map((file) =>
      file.name === FIRST_FILE ? { ...file, sizeBytes: this.oldSize } : file,
    );
  }
}

/** A log whose first file had but one of its two blocks, and no closing one, when it was first listed. */
export async function mixedListing(
  end: LogEnd = 'open',
): Promise<{ log: MixedListing; blocks: readonly WrittenBlock[] }> {
  const writer = new LogWriter();
  await writer.create();
  await writer.append([testRow()]);
  await writer.append([testRow()]);
  await writer.close('20260822T13-000000.log');
  await writer.open('20260822T13-000000.log', '20260822T13');
  if (end === 'open') await writer.append([testRow()]);
  const log = new MixedListing();
  for (const { name, sizeBytes } of await writer.log.files(PARTITION)) {
    await log.create(PARTITION, name);
    await log.append(PARTITION, name, 0, await writer.log.read(PARTITION, name, 0, sizeBytes));
  }
  log.oldSize = writer.blocks[1]!.offset;
  return { log, blocks: writer.blocks };
}
