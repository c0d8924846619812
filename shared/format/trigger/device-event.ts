// What IoT Hub wrote beside a message's body, as the Functions trigger and the event hub's own reader hand it over.
import { groupNameOf } from '../../domain/security-group/group-name.ts';
import type { DeviceEvent, EventTopic } from '../../domain/telemetry/device-event.ts';
import { parseInstant } from '../../domain/time/instant.ts';

export const SECURITY_INTERFACE = 'urn:azureiot:Security:SecurityAgent:1';

/** The end of the year 9999: later times cannot be written as text. */
const LATEST_INSTANT = 253_402_300_799_999;

/** Message sources of IoT Hub's own events, and the operations (`opType`) that count: all in lower case. */
const OPERATIONS: ReadonlyMap<string, ReadonlyMap<string, EventTopic>> = new Map([
  [
    'twinchangeevents',
    new Map([
      ['updatetwin', 'twinUpdate'],
      ['replacetwin', 'twinUpdate'],
    ]),
  ],
  ['devicelifecycleevents', new Map([['deletedeviceidentity', 'deviceDeleted']])],
  ['modulelifecycleevents', new Map()],
]);

type Properties = Readonly<Record<string, unknown>>;

/**
 * A stream event as a device event. Names are looked up in both maps: where `iothub-interface-id` surfaces is not
 * documented. The device id is taken from the system properties alone, for the application properties are the device's own
 * words; of the hub's own events (twin changes, lifecycle) it may stand there too. `sequenceNumber` and `enqueuedTime` are Event Hubs' (epoch milliseconds).
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
  const source = textOf(systemProperties['iothub-message-source'])?.toLowerCase() ?? '';
  // Of these IoT Hub writes the application properties too, and no device can claim to be one.
  const operations = OPERATIONS.get(source);
  const isFromHub = operations !== undefined;
  const ids = isFromHub ? { ...properties, ...systemProperties } : systemProperties;
  return {
    sequenceNumber,
    enqueuedTime,
    hubTime: instantOf(systemProperties['iothub-enqueuedtime']) ?? enqueuedTime,
    deviceId: textOf(ids['iothub-connection-device-id'] ?? ids['deviceId']) ?? '',
    moduleId: textOf(ids['iothub-connection-module-id'] ?? ids['moduleId']),
    securityGroup: groupNameOf(properties['securityGroup'] ?? properties['SecurityGroup']),
    isSecurityMessage: !isFromHub && (mti !== null || interfaceId === SECURITY_INTERFACE),
    topic: operations?.get(textOf(properties['opType'])?.toLowerCase() ?? '') ?? 'telemetry',
    mti,
    body,
  };
}

/** Properties keep the types that they were sent with: an id may be a number. */
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
