import { type SentConnection, encodeMessage } from './encode-message.ts';

export interface CaptureLine {
  readonly deviceId: string;
  readonly enqueuedTime: string;
  readonly sequenceNumber: number;
  readonly partitionId: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly systemProperties: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A line of a capture: one security message of a device, `second` seconds into the capture. */
export function captureLine(
  sequenceNumber: number,
  deviceId: string,
  second: number,
  connections: readonly SentConnection[],
  more: Partial<CaptureLine> = {},
): CaptureLine {
  const time = Date.UTC(2026, 7, 22, 11) + second * 1000;
  return {
    deviceId,
    enqueuedTime: new Date(time).toISOString(),
    sequenceNumber,
    partitionId: 0,
    properties: { mti: '2.3-1-0-0' },
    systemProperties: { 'iothub-enqueuedtime': new Date(time).toISOString() },
    body: Buffer.from(encodeMessage(connections, time / 1000)).toString('base64'),
    ...more,
  };
}

export function captureText(lines: readonly CaptureLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
