/** An event as an event hub stores it: what the trigger hands to a function is made from this alone. */
export interface StoredEvent {
  readonly sequenceNumber: number;
  readonly offset: string;
  /** ISO 8601 in UTC with milliseconds and `Z`. */
  readonly enqueuedTime: string;
  readonly partitionKey: string | null;
  /** Application properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** AMQP properties (`message-id`, ...) and message annotations (`iothub-connection-device-id`, ...). */
  readonly systemProperties: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

/** One event hub, seen by the Event Hub trigger. Sequence numbers rise within a partition; gaps are allowed. */
export interface EventSource {
  partitionIds(): Promise<readonly string[]>;
  /**
   * Events after a sequence number (null: from the first one available), at most `max`, in order. Waits up to
   * `waitMilliseconds` for the first and gives `[]` when nothing came; rejects or gives `[]` once `signal` is aborted.
   */
  receive(
    partitionId: string,
    afterSequenceNumber: number | null,
    max: number,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<readonly StoredEvent[]>;
  /** The last sequence number that is done, or null when nothing was checkpointed yet. */
  readCheckpoint(consumerGroup: string, partitionId: string): Promise<number | null>;
  writeCheckpoint(
    consumerGroup: string,
    partitionId: string,
    sequenceNumber: number,
  ): Promise<void>;
}
