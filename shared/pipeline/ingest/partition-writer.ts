// Commits batches of one partition to the activity log, in the order of operations that docs/architecture.md gives:
// tail, epoch, gap, rows, conditional append. Every conflict or unknown outcome goes back to reading the tail.
import { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import type { DeviceEvent } from '../../domain/telemetry/device-event.ts';
import {
  encodeBlock,
  encodeClosingBlock,
  remotesOfNewBlock,
} from '../../format/activity-log/block.ts';
import type { DataHeader, SequenceRange } from '../../format/activity-log/header.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import { type ActivityRows, OTHER, QUARANTINED } from '../../format/activity-log/rows.ts';
import type { ActivityLog, PartitionRef } from '../../ports/activity-log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeviceStream } from '../../ports/device-stream.ts';
import { FIRST_FILE, hourOf, nextFileName } from '../log/file-name.ts';
import { type Tail, readTail, remember, stateAfter } from '../log/read-tail.ts';
import type { RecentBodies } from '../log/recent-bodies.ts';
import type { DetectionSettings } from '../settings.ts';
import { buildRows } from './build-rows.ts';
import { FileContents } from './file-contents.ts';
import type { CurrentGroups } from './current-groups.ts';
import type { CurrentSnapshot } from './current-snapshot.ts';
import { fillGap } from './fill-gap.ts';

export interface WriterServices {
  readonly log: ActivityLog;
  readonly stream: DeviceStream;
  readonly snapshot: CurrentSnapshot;
  readonly groups: CurrentGroups;
  readonly clock: Clock;
  readonly codec: BlockCodec;
  readonly settings: DetectionSettings;
  /** Names this instance in the blocks that it writes. */
  readonly writerId: string;
}

export interface CommittedBlock {
  readonly header: DataHeader;
  readonly rows: ActivityRows;
}

/** The attempt took too long, or met too many conflicts: the host retries, and the log decides what is left to do. */
export class CommitInterruptedError extends Error {
  readonly code = 'COMMIT_INTERRUPTED';
}

const MAX_CONFLICTS = 8;
const MAX_FILE_BYTES = 256 * 1024 * 1024;
/** Bodies of one block together: what they become stays far below the block limit. */
const MAX_BLOCK_BODIES = 8 * 1024 * 1024;
/** Bodies are remembered this much longer than needed, so that a batch slightly older does not read the log again. */
const RECENT_SLACK_MS = 60_000;
const RECENT_MAX = 50_000;

interface Selection {
  readonly epoch: number;
  /** Ends before this epoch's rows; -1 when none is committed. */
  readonly to: number;
  readonly newEpoch: boolean;
  readonly events: readonly DeviceEvent[];
}

export class PartitionWriter {
  readonly ref: PartitionRef;
  readonly #services: WriterServices;
  readonly #table = new ConnectionTable();
  /** Changes only after a confirmed append; null after anything else. */
  #tail: Tail | null = null;
  /** Of the file that the tail names, as far as this writer wrote it; changes with the tail. */
  #contents = new FileContents(null);
  #queue: Promise<unknown> = Promise.resolve();

  constructor(ref: PartitionRef, services: WriterServices) {
    this.ref = ref;
    this.#services = services;
  }

  /** One commit at a time: the trigger and the catch-up timer may hold the same partition. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /**
   * Commits what the log does not hold yet of these events (one partition's, in the order of delivery), gaps before
   * them filled from the stream. `onCommitted` is called, and awaited, after each block. Throws when a dependency is
   * down or `settings.attemptMs` have passed: what was appended stays, the rest is for the next attempt.
   */
  async commit(
    events: readonly DeviceEvent[],
    onCommitted: (block: CommittedBlock) => Promise<void>,
  ): Promise<void> {
    const giveUpAt = this.#services.clock.now() + this.#services.settings.attemptMs;
    for (const part of partsOf(events)) await this.#commitPart(part, giveUpAt, onCommitted);
  }

  async #commitPart(
    part: readonly DeviceEvent[],
    giveUpAt: number,
    onCommitted: (block: CommittedBlock) => Promise<void>,
  ): Promise<void> {
    const { clock, stream, settings } = this.#services;
    let conflicts = 0;
    let cause: unknown;
    const events = [...part];
    let recentFrom = oldestOf(part) - settings.repeatHorizonMs;
    while (conflicts < MAX_CONFLICTS) {
      if (clock.now() >= giveUpAt) {
        throw new CommitInterruptedError(
          `a commit to ${this.ref.stream}/${this.ref.partition} took longer than ${settings.attemptMs} ms`,
          { cause },
        );
      }
      if (this.#tail === null || this.#tail.recent.completeFrom > recentFrom) {
        this.#tail = await this.#readTail(recentFrom);
      }
      const tail = this.#tail;
      const selection = select(events, tail);
      if (selection.events.length === 0) return;
      const filled = await fillGap(stream, this.ref.partition, selection, tail.committed);
      if ('recreatedBy' in filled) {
        events.unshift(filled.recreatedBy);
        conflicts++;
        continue;
      }
      const pending = oneBlockOf(filled.pending);
      const { lost } = filled;
      // What was filled in may be older than the batch, so that its repeats stand further back.
      const neededFrom = oldestOf(pending) - settings.repeatHorizonMs;
      if (neededFrom < tail.recent.completeFrom) {
        recentFrom = neededFrom;
        continue;
      }
      const outcome = await this.#append(tail, selection, pending, lost);
      if ('failure' in outcome) {
        conflicts++;
        cause = outcome.failure ?? cause;
        this.#tail = null;
        continue;
      }
      conflicts = 0;
      await onCommitted(outcome);
    }
    throw new CommitInterruptedError(
      `a commit to ${this.ref.stream}/${this.ref.partition} met ${MAX_CONFLICTS} conflicts or failures in a row`,
      { cause },
    );
  }

  /** Builds one block of a contiguous run and appends it. A conflict or an unknown outcome is a `failure`. */
  async #append(
    tail: Tail,
    selection: Selection,
    pending: readonly DeviceEvent[],
    lost: SequenceRange | null,
  ): Promise<CommittedBlock | { failure: unknown }> {
    const { settings, codec, writerId, log } = this.#services;
    const judges = await this.#judgesSince(tail);
    const rows = buildRows(pending, tail.recent, judges, settings, this.#table);
    const written = pending.slice(0, rows.count);
    const first = written[0]!;
    const hour = laterHour(hourOf(first.enqueuedTime), tail.place.hour);
    const place = await outcomeOf(this.#placeFor(tail, hour));
    if (place === null || 'failure' in place) return place ?? { failure: null };
    const header = headerOf(selection, written, rows, {
      ...this.ref,
      index: place.blocks,
      hour,
      writer: writerId,
      snapshot: judges.intelligence.ref,
      groupsRevision: judges.groups.revision,
      lost,
      epochStart:
        tail.committed === null || selection.newEpoch
          ? first.enqueuedTime
          : tail.committed.epochStart,
    });
    const bytes = encodeBlock(header, rows, codec);
    const done = await outcomeOf(log.append(this.ref, place.file, place.length, bytes));
    if (done === 'conflict') return { failure: null };
    if (done !== 'appended') return done;
    remember(tail.recent, rows, tail.recent.completeFrom);
    forgetOld(tail.recent, header.lastHubTime - settings.repeatHorizonMs);
    if (!this.#contents.isOf(place.file)) this.#contents = new FileContents(place.file);
    this.#contents.add(header, remotesOfNewBlock(bytes));
    this.#tail = {
      place: {
        file: place.file,
        length: place.length + bytes.length,
        blocks: place.blocks + 1,
        hour,
        next: null,
      },
      committed: stateAfter(header),
      recent: tail.recent,
    };
    return { header, rows };
  }

  /** What to judge by: fresh, and not older than what the block before was judged by. */
  async #judgesSince({ committed }: Tail) {
    const { snapshot, groups } = this.#services;
    const [intelligence, current] = await Promise.all([
      notOlder(snapshot, ({ ref }) => ref.ordinal, committed?.snapshotOrdinal),
      notOlder(groups, ({ revision }) => revision, committed?.groupsRevision),
    ]);
    // Hunts rely on it. A store of groups that gives an older revision was restored or made anew: the groups are what it says.
    if (intelligence.ref.ordinal < (committed?.snapshotOrdinal ?? 0)) {
      throw new CommitInterruptedError(
        `the pointer gives snapshot ${intelligence.ref.ordinal}, but the log was matched with ${committed?.snapshotOrdinal} already`,
      );
    }
    return { intelligence, groups: current };
  }

  /** The file and offset of the next block; rolls the file when it is time. Null: somebody else was faster. */
  async #placeFor(
    tail: Tail,
    hour: string,
  ): Promise<{ file: string; length: number; blocks: number } | null> {
    const { log, settings } = this.#services;
    const { place } = tail;
    if (place.file === null) {
      return (await log.create(this.ref, FIRST_FILE))
        ? { file: FIRST_FILE, length: 0, blocks: 0 }
        : null;
    }
    let { next } = place;
    if (next === null) {
      const full = place.blocks >= settings.maxFileBlocks || place.length >= MAX_FILE_BYTES;
      const rolls = place.blocks > 0 && (full || hour !== place.hour);
      if (!rolls) return { file: place.file, length: place.length, blocks: place.blocks };
      next = nextFileName(place.file, hour);
      const { summary, remotes } = this.#contents.closing(place.file, place.blocks);
      const closing = encodeClosingBlock(
        {
          kind: 'close',
          index: place.blocks,
          hour: place.hour ?? hour,
          writer: this.#services.writerId,
          next,
          summary,
        },
        remotes,
        this.#services.codec,
      );
      const closed = await log.append(this.ref, place.file, place.length, closing);
      if (closed === 'conflict') return null;
    }
    // Whoever finds a closed tail may create its successor; an append at 0 decides who writes first.
    await log.create(this.ref, next);
    return { file: next, length: 0, blocks: 0 };
  }

  async #readTail(recentFrom: number): Promise<Tail> {
    const { log, codec } = this.#services;
    return readTail(log, this.ref, recentFrom - RECENT_SLACK_MS, codec);
  }
}

/** What is at hand, or where that is older than the floor what the store says now. */
async function notOlder<T>(
  source: { fresh(): Promise<T>; refresh(): Promise<T> },
  ordinalOf: (one: T) => number,
  floor = 0,
): Promise<T> {
  const fresh = await source.fresh();
  return ordinalOf(fresh) >= floor ? fresh : source.refresh();
}

/**
 * Cuts a delivery into runs that can be judged one at a time: at a place where the numbers fall while the time rises
 * (the stream was created anew). Each run is in order, each number once.
 */
function partsOf(events: readonly DeviceEvent[]): DeviceEvent[][] {
  const streams: DeviceEvent[][] = [];
  let before: DeviceEvent | undefined;
  for (const event of events) {
    const anew =
      before !== undefined &&
      event.sequenceNumber <= before.sequenceNumber &&
      event.enqueuedTime > before.enqueuedTime;
    if (before === undefined || anew) streams.push([]);
    streams.at(-1)!.push(event);
    before = event;
  }
  return streams.map((run) => {
    const byNumber = new Map(run.toReversed().map((event) => [event.sequenceNumber, event]));
    return [...byNumber.values()].sort((a, b) => a.sequenceNumber - b.sequenceNumber);
  });
}

/** As many of the first events as one block takes; at least one. */
function oneBlockOf(events: readonly DeviceEvent[]): readonly DeviceEvent[] {
  let bytes = 0;
  const end = events.findIndex((event, i) => {
    bytes += event.body.length;
    return i > 0 && bytes > MAX_BLOCK_BODIES;
  });
  return end < 0 ? events : events.slice(0, end);
}

/** What of a run the log does not hold yet, and in which epoch it stands. */
function select(events: readonly DeviceEvent[], { committed }: Tail): Selection {
  if (committed === null) return { epoch: 0, to: -1, newEpoch: false, events };
  const { epoch, epochStart, toSequence, lastEnqueuedTime } = committed;
  const anew = events.some(
    (event) => event.sequenceNumber <= toSequence && event.enqueuedTime > lastEnqueuedTime,
  );
  if (anew) {
    const later = events.filter((event) => event.enqueuedTime > lastEnqueuedTime);
    return { epoch: epoch + 1, to: -1, newEpoch: true, events: later };
  }
  // Older than the epoch: a leftover of the stream before it, never a gap.
  const left = events.filter(
    (event) => event.enqueuedTime >= epochStart && event.sequenceNumber > toSequence,
  );
  return { epoch, to: toSequence, newEpoch: false, events: left };
}

function headerOf(
  selection: Selection,
  pending: readonly DeviceEvent[],
  rows: ActivityRows,
  more: Pick<
    DataHeader,
    | 'stream'
    | 'partition'
    | 'index'
    | 'hour'
    | 'writer'
    | 'snapshot'
    | 'groupsRevision'
    | 'lost'
    | 'epochStart'
  >,
): DataHeader {
  const counts = { counted: 0, repeats: 0, quarantined: 0, other: 0 };
  let firstHubTime = Infinity;
  let lastHubTime = -Infinity;
  for (let row = 0; row < rows.count; row++) {
    const kind = rows.kindOf(row);
    if (kind === OTHER) counts.other++;
    else if (rows.isRepeat(row)) counts.repeats++;
    else if (kind === QUARANTINED) counts.quarantined++;
    else counts.counted++;
    firstHubTime = Math.min(firstHubTime, rows.hubTime[row]!);
    lastHubTime = Math.max(lastHubTime, rows.hubTime[row]!);
  }
  return {
    kind: 'data',
    ...more,
    epoch: selection.epoch,
    fromSequence: pending[0]!.sequenceNumber,
    toSequence: pending.at(-1)!.sequenceNumber,
    firstEnqueuedTime: pending[0]!.enqueuedTime,
    lastEnqueuedTime: pending.at(-1)!.enqueuedTime,
    firstHubTime,
    lastHubTime,
    rows: counts,
    connections: rows.connections.count,
    findings: rows.rowFindings.length,
  };
}

function laterHour(a: string, b: string | null): string {
  return b !== null && b > a ? b : a;
}

function oldestOf(events: readonly DeviceEvent[]): number {
  return events.reduce((oldest, event) => Math.min(oldest, event.hubTime), Infinity);
}

/** A call over the network: what it gave, or why its outcome is unknown; the log says which, at the next turn. */
async function outcomeOf<T>(call: Promise<T>): Promise<T | { failure: unknown }> {
  try {
    return await call;
  } catch (failure) {
    return { failure };
  }
}

/** Keeps what the next batches need; rarely, because it touches every entry. */
function forgetOld(recent: RecentBodies, neededFrom: number): void {
  const from = neededFrom - 10 * RECENT_SLACK_MS;
  if (recent.size > RECENT_MAX && recent.completeFrom < from - 10 * RECENT_SLACK_MS) {
    recent.forgetBefore(from);
  }
}
