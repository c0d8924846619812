import { setTimeout as wait } from 'node:timers/promises';
import { BlobCheckpoints } from '../../shared/adapters/blob/checkpoints.ts';
import { openBlobService } from '../../shared/adapters/blob/blob-service.ts';
import { streamName } from '../../shared/format/trigger/event-batch.ts';
import { PIECE_MS, alignedDown, alignedUp } from '../../shared/domain/window/window.ts';
import { allWindowsDone, judgeBetween } from '../../shared/pipeline/windows/window-plan.ts';
import type { Checkpoints } from '../../shared/ports/checkpoints.ts';
import type { CommandIo } from '../commands/command.ts';
import type { ProgressLine } from '../console/progress-line.ts';
import type { Platform } from '../platform.ts';
import { type CapturedEvent, readCapture } from './read-capture.ts';

export interface Played {
  messages: number;
  /** Of these the hub held so many from an earlier run. */
  alreadyHeld: number;
  /** Times of the first message and the last. */
  first: number;
  last: number;
}

const SLICE_MS = 200;

/**
 * Sends a capture to the hub at `speed` times life (0: at once) and waits until it is ingested and counted. What the hub
 * holds from an earlier run is not waited for.
 */
export async function playCapture(
  { capture, speed }: { capture: string; speed: number },
  platform: Platform,
  progress: ProgressLine,
  io: CommandIo,
): Promise<Played> {
  const played: Played = { messages: 0, alreadyHeld: 0, first: Infinity, last: -Infinity };
  const checkpoints = new BlobCheckpoints(
    openBlobService({ connectionString: platform.blobs.connectionString }),
  );
  // The capture is older than the clock: by the clock its windows would be over before their messages are sent.
  await judgeBetween({ checkpoints }, 0, 0);
  let slice: CapturedEvent[] = [];
  let sliceEnd = -Infinity;
  let nextSend = performance.now();
  const flush = async () => {
    if (slice.length === 0) return;
    const { alreadyHeld } = await platform.hub.client.send(slice);
    played.messages += slice.length;
    played.alreadyHeld += alreadyHeld;
    progress.show(
      `${slice.at(-1)!.enqueuedTime.slice(11, 19)}  ${played.messages.toLocaleString('en')} messages sent`,
    );
    const fresh = alreadyHeld < slice.length;
    slice = [];
    if (speed > 0 && fresh) {
      nextSend += SLICE_MS;
      await wait(Math.max(0, nextSend - performance.now()), undefined, { signal: io.signal }).catch(
        () => {},
      );
    }
  };
  const sliceMs = speed > 0 ? SLICE_MS * speed : 5 * 60_000;
  for await (const event of readCapture(capture, io.stdin)) {
    if (event.time >= sliceEnd) {
      await flush();
      if (io.signal.aborted) return played;
      sliceEnd = event.time + sliceMs;
    }
    played.first = Math.min(played.first, event.time);
    played.last = event.time;
    slice.push(event);
  }
  await flush();
  await counted(platform, checkpoints, progress, io.signal);
  if (played.messages > 0) await closed(checkpoints, played, progress, io.signal);
  return played;
}

/** Lets the windows of the capture be judged, and no others; waits until they are. */
async function closed(
  checkpoints: Checkpoints,
  { first, last }: Played,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  const until = alignedUp(last + 1, PIECE_MS);
  await judgeBetween({ checkpoints }, alignedDown(first, PIECE_MS), until);
  while (!signal.aborted && !(await allWindowsDone({ checkpoints }))) {
    progress.show('closing windows');
    await wait(300, undefined, { signal }).catch(() => {});
  }
}

/** Waits until the fold has passed everything that the hub holds. */
async function counted(
  platform: Platform,
  checkpoints: Checkpoints,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  const { client } = platform.hub;
  const stream = streamName('127.0.0.1', platform.settings['DeviceStreamEventHub']!);
  for (const partition of await client.partitionIds()) {
    const { lastEnqueuedSequenceNumber } = await client.partitionProperties(partition);
    if (lastEnqueuedSequenceNumber < 0) continue;
    while (!signal.aborted) {
      const checkpoint = await checkpoints.read(`fold/${stream}/${partition}`);
      const { position } = (checkpoint?.value ?? {}) as { position?: { sequence: number } };
      if ((position?.sequence ?? -1) >= lastEnqueuedSequenceNumber) break;
      progress.show(`partition ${partition}: counting`);
      await wait(300, undefined, { signal }).catch(() => {});
    }
  }
}
