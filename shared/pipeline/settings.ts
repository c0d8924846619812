/** What an operator may set of detection; `wiring.ts` reads it, docs/operations.md explains it. */
export interface DetectionSettings {
  /** Name of the IoT Hub: part of every alert's id, because device ids are unique in one hub only. */
  readonly hub: string;
  /** Same device and same bytes within this time, by IoT Hub's clock, is the same message again. */
  readonly repeatHorizonMs: number;
  /** Local ports from here on are a client's: bytes both ways there mean that the device began. */
  readonly ephemeralPortFrom: number;
  /** A snapshot checked longer ago than this is checked again before it is used. */
  readonly snapshotFreshMs: number;
  /** Security groups that were read longer ago than this are read again before they judge. */
  readonly groupsFreshMs: number;
  /** One attempt to commit a batch gives up after this, well before the host's `functionTimeout`. */
  readonly attemptMs: number;
  /** A log file ends with this many blocks: append blobs hold 50,000, and short files are read again quickly. */
  readonly maxFileBlocks: number;
}

export const DEFAULT_SETTINGS: Omit<DetectionSettings, 'hub'> = {
  repeatHorizonMs: 5 * 60_000,
  ephemeralPortFrom: 30_000,
  snapshotFreshMs: 60_000,
  groupsFreshMs: 60_000,
  attemptMs: 2 * 60_000,
  maxFileBlocks: 10_000,
};
