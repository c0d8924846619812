import { setTimeout as wait } from 'node:timers/promises';
import { BlobCheckpoints } from '../../shared/adapters/blob/checkpoints.ts';
import { openBlobService } from '../../shared/adapters/blob/blob-service.ts';
import { streamName } from '../../shared/format/trigger/event-batch.ts';
import type { CommandIo } from '../commands/command.ts';
import type { ProgressLine } from '../console/progress-line.ts';
import type { Platform } from '../platform.ts';
import { type CapturedEvent, readCapture } from './read-capture.ts';

export interface Played {
  messages: number;
  /** Of these the hub held so many from an earlier run. */
  alreadyHeld: number;
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
  const played: Played = { messages: 0, alreadyHeld: 0 };
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
    slice.push(event);
  }
  await flush();
  await counted(platform, progress, io.signal);
  return played;
}

/** Waits until the fold has passed everything that the hub holds. */
async function counted(
  platform: Platform,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  const { client } = platform.hub;
  const checkpoints = new BlobCheckpoints(
    openBlobService({ connectionString: platform.blobs.connectionString }),
  );
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
