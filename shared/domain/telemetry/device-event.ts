/** What IoT Hub tells through the stream beside messages: only the hub can set it. */
export type EventTopic = 'telemetry' | 'twinUpdate' | 'deviceDeleted';

/** One event of the device stream: who sent it, when, and the bytes, which are not looked into yet. */
export interface DeviceEvent {
  /** Rises by one inside a partition. */
  readonly sequenceNumber: number;
  /** Event Hubs' enqueued time, epoch milliseconds: never falls inside a partition, so it is the order of progress. */
  readonly enqueuedTime: number;
  /** IoT Hub's enqueued time, epoch milliseconds: not monotone in a partition, but the time that detection judges by. */
  readonly hubTime: number;
  /** The hub's authenticated id; empty when the event does not come from a device. */
  readonly deviceId: string;
  readonly moduleId: string | null;
  readonly securityGroup: string;
  /** The `mti` property or the security interface id is there; all else is somebody else's telemetry. */
  readonly isSecurityMessage: boolean;
  readonly topic: EventTopic;
  readonly mti: string | null;
  readonly body: Uint8Array;
}
