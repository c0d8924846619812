import { parseAddress } from '../../shared/domain/address/address.ts';
import type { Connection, DeviceMessage } from '../../shared/domain/telemetry/device-message.ts';
import type { JsonMessage } from './decode-peers.ts';

const ENVELOPE = { time: 1_700_000_000, collectionInterval: 10 };
const NOTHING = { processId: 0, userId: 0, executable: null, commandline: null };

/** What the agent sends every minute: traffic, system information, heartbeat. `seed` makes messages differ. */
export function messageWith(connections: number, seed: number): DeviceMessage {
  const ipv4 = Array.from({ length: connections }, (_, n) => tcpConnection(n, seed));
  const id = (n: number) => `00000000-0000-4000-8000-${String(seed * 3 + n).padStart(12, '0')}`;
  return {
    securityModuleId: 'defender-iot-micro-agent',
    securityModuleVersion: 0x03050004,
    timezone: 0,
    events: [
      { ...ENVELOPE, id: id(0), payloadType: 'NetworkActivity', payload: { ipv4, ipv6: [] } },
      {
        ...ENVELOPE,
        id: id(1),
        payloadType: 'SystemInformation',
        payload: { osInfo: 'Azure RTOS 6.2', kernelInfo: null, hwInfo: null },
      },
      { ...ENVELOPE, id: id(2), payloadType: 'Heartbeat', payload: {} },
    ],
  };
}

function tcpConnection(n: number, seed: number): Connection {
  return {
    localAddress: '192.0.2.7',
    remoteAddress: `${n % 2 === 0 ? '203.0.113' : '198.51.100'}.${(seed * 31 + n) % 256}`,
    localPort: 30_000 + ((seed * 7919 + n * 13) % 30_000),
    remotePort: 443,
    bytesIn: 1 + ((seed * 104_729 + n) % 100_000),
    bytesOut: 1 + ((seed * 1_299_709 + n) % 100_000),
    protocol: 'TCP',
    ...NOTHING,
  };
}

/** `events` events that share one list of `rows` connections, all the same one. */
export function sharedMessage(events: number, rows: number): DeviceMessage {
  const message = messageWith(1, 0);
  const [event] = message.events;
  if (event?.payloadType !== 'NetworkActivity') throw new Error('no traffic');
  const ipv4 = Array.from({ length: rows }, () => event.payload.ipv4[0]!);
  const shared = { ...event, payload: { ipv4, ipv6: [] } };
  return { ...message, events: Array.from({ length: events }, () => shared) };
}

/** The message as `readWithAjv` takes it. */
export function jsonOf(message: DeviceMessage): Buffer {
  const json: JsonMessage = {
    securityModuleId: message.securityModuleId,
    securityModuleVersion: message.securityModuleVersion,
    events: message.events.map(({ payloadType, payload, ...envelope }) => {
      if (payloadType === 'NetworkActivity') {
        return {
          ...envelope,
          payloadType,
          ipv4: payload.ipv4.map((flow) => flowOf(flow, (words) => words[0]!)),
          ipv6: payload.ipv6.map((flow) => flowOf(flow, (words) => words)),
        };
      }
      if (payloadType === 'SystemInformation') {
        return { ...envelope, payloadType, osInfo: payload.osInfo! };
      }
      if (payloadType === 'Heartbeat') return { ...envelope, payloadType };
      throw new Error(`no JSON for ${payloadType}`);
    }),
  };
  return Buffer.from(JSON.stringify(json));
}

function flowOf<Address>(flow: Connection, address: (words: readonly number[]) => Address) {
  const { processId: _p, userId: _u, executable: _e, commandline: _c, ...rest } = flow;
  return {
    ...rest,
    localAddress: address(parseAddress(flow.localAddress)!.words),
    remoteAddress: address(parseAddress(flow.remoteAddress)!.words),
  };
}
