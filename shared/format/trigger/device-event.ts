// What IoT Hub wrote beside a message's body, as the Functions trigger and the event hub's own reader hand it over.
import { groupNameOf } from '../../domain/security-group/group-name.ts';
import type { DeviceEvent } from '../../domain/telemetry/device-event.ts';
import { parseInstant } from '../../domain/time/instant.ts';

export const SECURITY_INTERFACE = 'urn:azureiot:Security:SecurityAgent:1';

/** The end of the year 9999: later times cannot be written as text. */
const LATEST_INSTANT = 253_402_300_799_999;

type Properties = Readonly<Record<string, unknown>>;

/**
 * A stream event as a device event. Names are looked up in both maps: where `iothub-interface-id` surfaces is not
 * documented. The device id is taken from the system properties alone, for the application properties are the device's own
 * words. `sequenceNumber` and `enqueuedTime` are Event Hubs' (epoch milliseconds).
 */
export function readDeviceEvent(
  sequenceNumber: number,
  enqueuedTime: number,
  properties: Properties,
  systemProperties: Properties,
  body: Uint8Array,
): DeviceEvent {
  const mti = textOf(properties['mti']) ?? textOf(properties['Mti']);
  const interfaceId =
    systemProperties['iothub-interface-id'] ??
    properties['iothub-interface-id'] ??
    properties['$.ifid'];
  return {
    sequenceNumber,
    enqueuedTime,
    hubTime: instantOf(systemProperties['iothub-enqueuedtime']) ?? enqueuedTime,
    deviceId: textOf(systemProperties['iothub-connection-device-id']) ?? '',
    moduleId: textOf(systemProperties['iothub-connection-module-id']),
    securityGroup: groupNameOf(properties['securityGroup'] ?? properties['SecurityGroup']),
    isSecurityMessage: mti !== null || interfaceId === SECURITY_INTERFACE,
    mti,
    body,
  };
}

/** `"2.3-1-0-0"` stays text; the host turns property values that look like numbers into numbers. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' ? String(value) : null;
}

/** ISO text, with or without zone, or a number of epoch milliseconds (raw annotations); null for what is no time. */
export function instantOf(value: unknown): number | null {
  if (typeof value === 'string') return parseInstant(value);
  if (typeof value !== 'number' || !(value >= 0 && value <= LATEST_INSTANT)) return null;
  return Math.floor(value);
}
