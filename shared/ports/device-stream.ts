/** One event as the event hub keeps it; the body is never parsed. */
export interface StreamEvent {
  readonly sequenceNumber: number;
  /** The event hub's own enqueued time, epoch milliseconds. */
  readonly enqueuedTime: number;
  /** Application properties, names as sent. */
  readonly properties: Readonly<Record<string, unknown>>;
  /**
   * Message properties by their AMQP names (`message-id`) and annotations (`iothub-connection-device-id`). A time among
   * them, `iothub-enqueuedtime` above all, may be ISO text or epoch milliseconds: the trigger and a receiver differ.
   */
  readonly systemProperties: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

export interface StreamProperties {
  /** The oldest event still held; when none is held, the number that the next one gets. */
  readonly beginningSequenceNumber: number;
  /** -1 if there never was one. Stays when retention removes the event itself. */
  readonly lastEnqueuedSequenceNumber: number;
  /** Epoch milliseconds; 0 if there never was an event. */
  readonly lastEnqueuedTime: number;
  /** Nothing is held now, though there may have been events. */
  readonly isEmpty: boolean;
}

/** What the pipeline asks of the event hub beside the trigger. A hub that does not answer throws. */
export interface DeviceStream {
  partitionIds(): Promise<readonly string[]>;
  properties(partitionId: string): Promise<StreamProperties>;
  /**
   * Events with `from <= sequence number < until`, in order, at most `max`. Fewer when the stream holds no
   * more: what is missing at the front was destroyed by retention, what is missing at the end is not sent yet.
   */
  read(
    partitionId: string,
    fromSequenceNumber: number,
    untilSequenceNumber: number,
    max: number,
  ): Promise<readonly StreamEvent[]>;
}
